"""The digest by which two inputs can be told to be the same. Pure."""

from collections.abc import Mapping
from hashlib import sha256

from serviceexecution.contract.input.submission import input_text


def input_digest(properties: Mapping[str, str]) -> str | None:
    """Return the SHA-256 of the input's text in hexadecimal digits: its members (name → JSON text) by name, each as it
    was given. None without an input.
    """
    if not properties:
        return None
    return sha256(input_text(dict(sorted(properties.items()))).encode()).hexdigest()
