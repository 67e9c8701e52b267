"""Names in URLs, checked before they become part of a path of the Kubernetes API."""

import re
from typing import Final

_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def is_namespace(text: str) -> bool:
    """Tell whether a namespace may have that name."""
    return _NAMESPACE.fullmatch(text) is not None


def is_object_name(text: str) -> bool:
    """Tell whether an object may have that name."""
    return _NAME.fullmatch(text) is not None
