"""Access keys, checked: an id and a secret become a token of the key's own account.

The key's Secret and its ServiceAccount are in the user's namespace. This process may read that one Secret and mint
tokens of that one account because the key's own Role says so; it has no such right anywhere else.
"""

import contextlib
import hashlib
import json
import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from typing_extensions import override

from serviceexecution.fairness.payers import pay_as
from serviceexecution.gateway.access.attempts import Attempts
from serviceexecution.gateway.access.tokens import SERVICE_AUDIENCE
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.caches.shared_cache import SharedCache
from serviceexecution.gateway.http.payers import caller_payer, stranger
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SECRETS
from serviceexecution.resources.access_key import AccessKey, KeyId, access_key, digest_of

SHORTEST_TOKEN_SECONDS: Final = 600
"""The API server makes no token that lives shorter."""
_MARGIN_SECONDS: Final = 5.0
"""So much before its key a token ends: clocks differ, and the request takes its time."""
_PROVEN_SECONDS: Final = 172_800.0
"""Two days: clients come again when their token has expired, after a day at most."""
_PROVEN_PER_NAMESPACE: Final = 64
_WRONG_SECONDS: Final = 2.0
"""How long a wrong pair is refused without a look: a key that was made a moment ago should not be missed for long."""
_CAPACITY: Final = 4096
NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client has given; the secret is in no representation."""

    key_id: str
    secret: str

    @override
    def __repr__(self) -> str:
        return f"Credentials({self.key_id!r})"


class AccessKeys:
    """Gives tokens for keys. Whose key was good a while ago waits behind nobody; all others wait in line by address.

    A key's id slows nobody down: it is in logs and names of users, and who knows it would lock its owner out.
    """

    def __init__(self, client: GatewayKubernetes, settings: GatewaySettings) -> None:
        self._client = client
        self._settings = settings
        self._attempts = Attempts()
        self._salt = secrets.token_bytes(16)
        self._proven: SharedCache[bytes, bool] = SharedCache(
            seconds=_PROVEN_SECONDS, capacity=_CAPACITY, per_owner=_PROVEN_PER_NAMESPACE
        )
        self._wrong: ExpiringCache[bytes, bool] = ExpiringCache(seconds=_WRONG_SECONDS, capacity=_CAPACITY)

    async def token(self, credentials: Credentials, address: str) -> tuple[str, datetime]:
        """Return a token and when it expires; raises Problem 400, 401 or 429, KubernetesError."""
        key_id = KeyId.parse(credentials.key_id)
        digest = self._digest(credentials)
        found = None
        if key_id is not None and not self._wrong.get(digest):
            proven = self._proven.get(digest)
            pay_as(caller_payer(key_id.account) if proven else stranger(address))
            line = contextlib.nullcontext() if proven else self._turn(address, digest)
            async with line:
                found = await self._mint(key_id, credentials.secret)
        if key_id is None or found is None:
            self._proven.drop(digest)
            self._wrong.put(digest, True)
            await self._attempts.failed(address)
            raise _unknown()
        self._proven.put(key_id.namespace, digest, True)
        return found

    @contextlib.asynccontextmanager
    async def _turn(self, address: str, digest: bytes) -> AsyncGenerator[None, None]:
        try:
            async with self._attempts.turn(address, digest):
                yield
        except Problem as problem:
            if problem.status != HTTPStatus.TOO_MANY_REQUESTS:
                raise
            raise token_refusal(
                problem.status, "temporarily_unavailable", problem.detail, problem.headers
            ) from None

    async def _mint(self, key_id: KeyId, secret: str) -> tuple[str, datetime] | None:
        """Return a token of the key's account; None when there is no such key, or not with that secret."""
        key = await self._stored(key_id)
        if key is None:
            digest_of(secret, b"-" * 16)  # As long as with a wrong secret
            return None
        now = datetime.now(UTC)  # Not before the wait in line
        if not key.matches(secret) or key.has_expired(now):
            return None
        try:
            return await self._client.create_token(
                key_id.namespace,
                key.service_account,
                audience=SERVICE_AUDIENCE,
                seconds=self._seconds(key, now),
                bound_secret=(key_id.secret_name, key.secret_uid),
            )
        except KubernetesError as error:
            if error.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
                return None
            raise

    def _seconds(self, key: AccessKey, now: datetime) -> int:
        """Return how long a token may live: never longer than its key; raises Problem 400."""
        if key.expires is None:
            return self._settings.token_seconds
        rest = (key.expires - now).total_seconds() - _MARGIN_SECONDS
        if rest < SHORTEST_TOKEN_SECONDS:
            raise token_refusal(
                HTTPStatus.BAD_REQUEST,
                "invalid_grant",
                "The access key ends within eleven minutes, and no token lives for less than ten: make a new key.",
            )
        return min(self._settings.token_seconds, int(rest))

    async def _stored(self, key_id: KeyId) -> AccessKey | None:
        try:
            secret = await self._client.get(SECRETS, key_id.namespace, key_id.secret_name)
        except KubernetesError as error:
            if error.status == HTTPStatus.FORBIDDEN:  # No Role, so no such key
                return None
            raise
        return access_key(secret) if secret is not None else None

    def _digest(self, credentials: Credentials) -> bytes:
        """Return what stands for the pair in memory: nobody who reads that can try secrets against it elsewhere."""
        text = json.dumps([credentials.key_id, credentials.secret]).encode()
        return hashlib.blake2b(text, key=self._salt, digest_size=32).digest()


def _unknown() -> Problem:
    return token_refusal(
        HTTPStatus.UNAUTHORIZED,
        "invalid_client",
        "There is no such access key, its secret is wrong, or it has expired.",
        {"WWW-Authenticate": 'Basic realm="access key"'},
    )


def token_refusal(
    status: HTTPStatus, error: str, detail: str, headers: Mapping[str, str] | None = None
) -> Problem:
    """Return a problem with the members of RFC 6749, section 5.2, which the clients look for."""
    return Problem(
        status,
        error,
        detail,
        members={"error": error, "error_description": detail},
        headers={**NO_STORE, **(headers or {})},
    )
