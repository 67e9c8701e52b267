"""Which names a top-level property of an input may have.

Source: a property becomes the file ``<name>.json`` (runtime interface), whose name the in-container
libraries cut at its first dot; ``$secrets`` never becomes a file.
"""

from typing import Final

from serviceexecution.contract.paths import PROPERTY_FILE_SUFFIX
from serviceexecution.contract.problems import InputError
from serviceexecution.contract.quoting import quoted

MAX_PROPERTY_BYTES: Final = 255 - len(PROPERTY_FILE_SUFFIX)
"""Most UTF-8 bytes of a property's name: its file's name may have 255."""


def check_property_name(name: str, *, path: str) -> None:
    """Raises ``InputError`` when no file can be named after the property, or its value must not be a
    file."""
    shown = quoted(name)
    if _looks_like_secrets(name):
        raise InputError(
            path,
            f"The input holds {shown}: secrets must not stand in it, everybody who can read the resource "
            f"would see them. "
            "Put them into a Kubernetes Secret and name it in spec.secrets.",
        )
    if not name:
        raise InputError(path, "A property's name is empty; name it as the program's parameter, e.g. data.")
    if "\0" in name:
        raise InputError(
            path,
            f"The property {shown} has a NUL character in its name, which no file name can have; remove it.",
        )
    if "/" in name:
        raise InputError(
            path,
            f"The property {shown} has a '/' in its name, which no file name can have; rename it, e.g. with "
            f"'_'.",
        )
    if name.startswith("."):
        raise InputError(
            path,
            f"The property {shown} starts with a dot, its file would be hidden; rename it without the dot.",
        )
    if "." in name:
        raise InputError(
            path,
            f"The property {shown} has a dot in its name; programs take a file's name up to its first dot, "
            f"so that "
            f"they would see it as {quoted(name.split('.', 1)[0])}. Rename it, e.g. with '_'.",
        )
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise InputError(
            path,
            f"The property {shown} has half a surrogate pair in its name, which is no character; correct the "
            f"escape.",
        ) from None
    if size > MAX_PROPERTY_BYTES:
        raise InputError(
            path,
            f"The property {shown} has a name of {size} bytes, a file's name leaves room for "
            f"{MAX_PROPERTY_BYTES}; shorten it.",
        )


def _looks_like_secrets(name: str) -> bool:
    """``$secrets``, and what people write when they mean it: a near miss would publish the secrets."""
    return name.startswith("$") and name[1:].strip("_- ").casefold() in {"secret", "secrets"}
