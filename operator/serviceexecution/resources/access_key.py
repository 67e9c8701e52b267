"""Access keys of the Service API: an id and a secret that stand for a ServiceAccount.

A key is a Secret of the service's namespace. It holds a salted hash: the secret itself is 256 random bits, so that one
round of SHA-256 cannot be guessed back.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from typing_extensions import override

from serviceexecution.contract.json_types import JsonObject, object_at
from serviceexecution.resources.names import API_GROUP

LABEL_ACCESS_KEY: Final = f"{API_GROUP}/access-key"
"""On all objects of a key: the last part of its id."""

ANNOTATION_EXPIRES: Final = f"{API_GROUP}/expires"
SECRET_TYPE: Final = f"{API_GROUP}/access-key"
_PREFIX: Final = "access-key-"
_ACCOUNT: Final = "system:serviceaccount:"
_KEY_ID: Final = re.compile(r"([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\.([a-z0-9]+)")


@dataclass(frozen=True, slots=True)
class KeyId:
    """``<namespace>.<suffix>``: tells where the key's Secret is."""

    namespace: str
    suffix: str

    @override
    def __str__(self) -> str:
        return f"{self.namespace}.{self.suffix}"

    @property
    def secret_name(self) -> str:
        """Return the name of the Secret; the key's other objects have it too."""
        return f"{_PREFIX}{self.suffix}"

    @classmethod
    def parse(cls, text: str) -> "KeyId | None":
        """Return the id, None when the text is none."""
        found = _KEY_ID.fullmatch(text) if len(text) < 128 else None
        return None if found is None else cls(found[1], found[2])

    @property
    def account(self) -> str:
        """Return the user name of the key's ServiceAccount."""
        return f"{_ACCOUNT}{self.namespace}:{self.secret_name}"

    @classmethod
    def of_account(cls, username: str) -> "KeyId | None":
        """Return the id of the key whose ServiceAccount has that user name, None when it is no key's."""
        namespace, colon, name = username.removeprefix(_ACCOUNT).partition(":")
        if not (username.startswith(_ACCOUNT) and colon and name.startswith(_PREFIX)):
            return None
        return cls.parse(f"{namespace}.{name.removeprefix(_PREFIX)}")

    @classmethod
    def new(cls, namespace: str) -> "KeyId":
        """Return a new id."""
        return cls(namespace, "k" + secrets.token_hex(8))


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A stored key."""

    service_account: str
    salt: bytes
    digest: bytes
    expires: datetime | None
    secret_uid: str

    def matches(self, secret: str) -> bool:
        """Tell whether that is the key's secret, in a time that tells nothing."""
        return hmac.compare_digest(digest_of(secret, self.salt), self.digest)

    def has_expired(self, now: datetime) -> bool:
        """Tell whether the key's time is over."""
        return self.expires is not None and now >= self.expires


def digest_of(secret: str, salt: bytes) -> bytes:
    """Return the hash that is kept of a secret."""
    return hashlib.sha256(salt + secret.encode("utf-8", "surrogatepass")).digest()


def access_key(secret: JsonObject) -> AccessKey | None:
    """Return the key that a Secret holds, None when it holds none."""
    metadata, data = secret.get("metadata"), secret.get("data")
    if secret.get("type") != SECRET_TYPE or not isinstance(metadata, dict) or not isinstance(data, dict):
        return None
    expires = object_at(metadata, "annotations").get(ANNOTATION_EXPIRES)
    try:
        account, salt, digest = (
            base64.b64decode(str(data[name]), validate=True) for name in ("serviceAccount", "salt", "hash")
        )
        until = datetime.fromisoformat(expires).astimezone(UTC) if isinstance(expires, str) else None
        return AccessKey(account.decode(), salt, digest, until, str(metadata.get("uid")))
    except (KeyError, binascii.Error, ValueError, OverflowError):
        return None
