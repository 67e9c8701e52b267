"""Names that make a repeated request find what the first one made. Pure."""

import hashlib
import hmac
import re
from http import HTTPStatus
from typing import Final
from uuid import UUID

from serviceexecution.gateway.http.problems import Problem

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def check_key(key: str | None) -> str | None:
    """Return the key, None when there is none; raises Problem 400."""
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "InvalidIdempotencyKey",
            f"The header {HEADER} must be 1 to 255 visible ASCII characters, such as a UUID.",
        )
    return key


def execution_id(service_uid: str, username: str, key: str) -> str:
    """Return the id that belongs to a caller's key: the same on every replica, so that the API server is the judge.

    A UUID of version 8 (RFC 9562), from SHA-256.
    """
    text = "\0".join((service_uid, username, key))
    digest = bytearray(hashlib.sha256(text.encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))


def request_digest(key: str, body: bytes) -> str:
    """Return what tells the same request from another with the same key.

    Keyed by the key, which is kept nowhere: a plain digest of a body with secrets could be guessed.
    """
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
