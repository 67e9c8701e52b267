"""The token by which a running program shows which execution it is: to be named as a parent, and to read itself. Pure.

The gateway makes one with the execution and keeps only its SHA-256, on the execution. No key signs it, so there is none
to be kept, and all gateways know it by the object. It is good until the execution ends.
"""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Final

from serviceexecution.contract.json_types import object_of, text_of

VARIABLE: Final = "KQH_SERVICE_EXECUTION_TOKEN"
"""Where the platform's client looks for it."""
SECRET_KEY: Final = "execution-token"  # noqa: S105 - a key of a Secret
"""Its key in the run's Secret, where the keys of a caller's secrets are numbers."""
PREFIX: Final = "sxe."
_LONGEST: Final = 1024


def execution_token(namespace: str, name: str, random: str) -> str:
    """Return the token of an execution; ``random`` is what nobody can guess, of letters, digits, - and _."""
    place = json.dumps({"namespace": namespace, "name": name}, separators=(",", ":")).encode()
    return f"{PREFIX}{base64.urlsafe_b64encode(place).decode().rstrip('=')}.{random}"


def token_digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_same(token: str, digest: bytes) -> bool:
    """Tell whether it is the token whose SHA-256 is kept."""
    return hmac.compare_digest(hashlib.sha256(token.encode()).digest(), digest)


def holder_of(token: str) -> tuple[str, str] | None:
    """Return namespace and name of the execution that a token says it is of, None when it is no such token."""
    if not token.startswith(PREFIX) or len(token) > _LONGEST or not token.isascii():
        return None
    place = token.removeprefix(PREFIX).partition(".")[0]
    try:
        members = object_of(json.loads(base64.urlsafe_b64decode(place + "=" * (-len(place) % 4))))
    except (ValueError, binascii.Error, RecursionError):
        return None
    namespace, name = text_of(members.get("namespace")), text_of(members.get("name"))
    return (namespace, name) if namespace and name else None
