"""Tokens that somebody may show in place of the identity provider's for the console, for tests of who takes them."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from serviceexecution.gateway.access.tokens import SERVICE_AUDIENCE
from tests.support.identity_provider import IdentityProvider, unsigned

BAD: Final = (
    "another issuer",
    "another client",
    "the gateway as its only audience",
    "expired a moment ago",
    "expired long ago",
    "without an end",
    "of a time to come",
    "another key",
    "no signature",
    "the signature of another token",
)


def bad_token(provider: IdentityProvider, which: str) -> str:
    """Return a token that nobody may take; ``which`` is one of BAD."""
    good = provider.token()
    now = provider.now()
    match which:
        case "another issuer":
            return provider.token(iss="https://127.0.0.1:1")
        case "another client":
            return provider.token(aud="another")
        case "the gateway as its only audience":
            return provider.token(aud=SERVICE_AUDIENCE)
        case "expired a moment ago":
            return provider.token(iat=now - 600, exp=now - 30)
        case "expired long ago":
            return provider.token(iat=now - 90_000, exp=now - 86_400)
        case "without an end":
            return provider.token(exp=None)
        case "of a time to come":
            return provider.token(nbf=now + 3600)
        case "another key":
            return provider.token(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
        case "no signature":
            return unsigned(good)
        case "the signature of another token":
            other = provider.token(email="root@example.com")
            return ".".join([*other.split(".")[:2], good.split(".")[2]])
    raise ValueError(which)
