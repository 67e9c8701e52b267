"""What a token says of itself. Nothing of it is verified: it only tells what to ask about, and what not."""

import base64
import binascii
import json
import re
import time
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_of
from serviceexecution.resources.names import API_GROUP

SERVICE_AUDIENCE: Final = f"services.{API_GROUP}"
"""Audience of the tokens that our token endpoint gives: worthless at the API server itself."""
LONGEST_TOKEN: Final = 16_384
_TEXT: Final = re.compile(r"[\x21-\x7e]+")
_CLOCKS_DIFFER_SECONDS: Final = 300.0
"""By so much clocks may differ before a token's own word that it has expired is taken."""


def is_hopeless(token: str, claims: JsonObject) -> bool:
    """Tell whether no API server takes that token, so that none is asked: it is no token's text, or long expired."""
    return (
        len(token) > LONGEST_TOKEN
        or _TEXT.fullmatch(token) is None
        or expiry_of(claims) + _CLOCKS_DIFFER_SECONDS < time.time()
    )


def expiry_of(claims: JsonObject) -> float:
    """Return when the token says that it expires, in seconds since the epoch; infinity when it does not say so."""
    expiry = claims.get("exp")
    try:
        return float(expiry) if isinstance(expiry, int | float) else float("inf")
    except OverflowError:  # A number of hundreds of digits
        return float("inf")


def token_claims(token: str) -> JsonObject:
    """Return what a token says of itself, not verified: only good for choosing what to ask."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims: JsonValue = json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return object_of(claims)


def audiences(claims: JsonObject) -> tuple[str, ...]:
    """Return the audiences of a token's claims."""
    found = claims.get("aud")
    values = found if isinstance(found, list) else [found]
    return tuple(value for value in values if isinstance(value, str))
