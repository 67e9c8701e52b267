"""What the controller, the gateway and a pod that serves a volume agree on. Pure.

The controller keeps a random secret in the store and starts the pod with the secret's SHA-256. The pod shows that it
has been told the digest, for the address that was called; then it is shown the secret.
"""

import hashlib
import hmac
from typing import Final

VOLUME_PORT: Final = 8090
"""Where such a pod listens."""
SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 32
WISH_SECONDS: Final = 60.0
"""How long a wish for such a pod counts."""
RENEW_SECONDS: Final = 20.0
"""Age from which on a wish is written anew while somebody waits."""


def proof(secret: bytes, nonce: bytes, address: str) -> bytes:
    """Return what the pod at this address answers to the random bytes."""
    return hmac.digest(hashlib.sha256(secret).digest(), nonce + address.encode(), "sha256")
