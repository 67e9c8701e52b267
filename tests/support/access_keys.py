"""Access keys as ``sx access-key create`` stores them."""

from typing import Any

from serviceexecution.cli.access_key_objects import key_secret
from serviceexecution.resources.access_key import KeyId


def stored_key(key: KeyId, secret: str, expires: Any = None) -> dict[str, Any]:
    """Return the parts of the key's Secret, for ``ServiceCluster.seed``."""
    found = key_secret(key, secret, b"salt", description="", expires=expires)
    return {name: found[name] for name in ("metadata", "type", "data")}
