"""Who calls, and may they: the cluster's own accounts and roles decide."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar

from starlette.requests import Request

from serviceexecution.fairness.payers import Payer, current_payer, paid_by, pay_as
from serviceexecution.gateway.access.access_keys import AccessKeys, Credentials
from serviceexecution.gateway.access.addresses import address_of
from serviceexecution.gateway.access.attempts import Attempts
from serviceexecution.gateway.access.bearer import Shown, shown_by
from serviceexecution.gateway.access.rights import advice
from serviceexecution.gateway.access.tokens import (
    LONGEST_TOKEN,
    SERVICE_AUDIENCE,
    audiences,
    expiry_of,
    is_hopeless,
    token_claims,
)
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.caches.shared_cache import SharedCache
from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.http.payers import caller_payer, pay_for_namespace, renewal, stranger
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.resources.names import API_GROUP

TOKEN_SECONDS: Final = 60.0
"""How long a token is believed without asking again: so long a revoked one may still work."""
ACCESS_SECONDS: Final = 10.0
DENIED_SECONDS: Final = 2.0
"""Shorter than a yes: a role that was bound a moment ago should not be missed for long."""
REFUSED_SECONDS: Final = 10.0
_EXPECTED_SECONDS: Final = 60.0
"""How soon clients use a token that they have asked for."""
STALE_SECONDS: Final = 300.0
"""How long a yes is believed beyond its time while the API server is away: nobody can take a right away meanwhile."""
_ASK_AGAIN_SECONDS: Final = 1.0
"""How long such a yes is taken without asking again."""
_PATIENCE_SECONDS: Final = 2.0
"""How long to wait for the answer about a caller who is already believed, when the API server hangs."""
_CAPACITY: Final = 4096
"""Tokens that are known, tokens that were refused, and answers about rights: so many of each are remembered."""
TOKENS_PER_USER: Final = 64
ANSWERS_PER_USER: Final = 512
"""Of each of them one user has at most so many: who gets himself thousands of tokens pushes out nobody else's."""

V = TypeVar("V")
_Who = tuple[str, str, tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. ``identity`` is None where nobody is asked who they are."""

    username: str
    identity: TokenIdentity | None
    own_execution: str | None = None
    """Uid of the execution whose token it is, which is all that it may read; None for everybody else."""


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    expires: float
    """Seconds since the epoch."""
    asked: float
    """When the API server was asked, by the monotonic clock."""


@dataclass(frozen=True, slots=True)
class _Question:
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str


ANYBODY: Final = Caller("anonymous", None)


class Access:
    """Authenticates callers by TokenReview and authorises them by SubjectAccessReview, both remembered briefly."""

    def __init__(
        self,
        client: GatewayKubernetes,
        settings: GatewaySettings,
        attempts: Attempts,
        keys: AccessKeys,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._settings = settings
        self._attempts = attempts
        self._keys = keys
        self._clock = clock
        self._known: SharedCache[bytes, _Known] = SharedCache(
            seconds=TOKEN_SECONDS,
            stale_seconds=STALE_SECONDS,
            capacity=_CAPACITY,
            per_owner=TOKENS_PER_USER,
            clock=clock,
        )
        self._expected: SharedCache[bytes, bool] = SharedCache(
            seconds=_EXPECTED_SECONDS, capacity=_CAPACITY, per_owner=TOKENS_PER_USER, clock=clock
        )
        self._refused: ExpiringCache[bytes, bool] = ExpiringCache(
            seconds=REFUSED_SECONDS, capacity=_CAPACITY, clock=clock
        )
        self._decisions: SharedCache[tuple[_Who, _Question], bool] = SharedCache(
            seconds=ACCESS_SECONDS,
            stale_seconds=STALE_SECONDS,
            capacity=_CAPACITY,
            per_owner=ANSWERS_PER_USER,
            clock=clock,
        )
        self._reviews: SingleFlight[bytes, _Known] = SingleFlight()
        self._questions: SingleFlight[tuple[_Who, _Question], bool] = SingleFlight()

    async def authenticate(self, request: Request, *, within: float = TOKEN_SECONDS) -> Caller:
        """Return who calls; raises Problem 401 or 429, KubernetesError.

        Those whose token is known to be good, or was a moment ago, are never held up by failures of others behind the
        same address. ``within`` is how old the API server's word may be, in seconds.
        """
        if self._settings.auth_mode == "none":
            request.state.caller = ANYBODY.username
            pay_as(caller_payer(address_of(request, self._settings.trusted_proxies)))
            return ANYBODY
        shown = shown_by(request)
        key = _digest(shown.kept_as)
        known = self._known.get(key)
        if known is None or known.expires <= time.time() or self._clock() - known.asked > within:
            address = address_of(request, self._settings.trusted_proxies)
            old = self._known.get_stale(key)
            if old is not None and old.expires <= time.time():
                old = None
            known_before = old is not None or self._expected.get(key) is True
            review = self._reviews.ask(
                key, lambda: self._review(shown, key, address, known_before=known_before)
            )
            with paid_by(stranger(address) if old is None else renewal(old.caller.username)):
                known = await _answer_or(
                    old, review, lambda: self._known.renew(key, seconds=_ASK_AGAIN_SECONDS)
                )
        request.state.caller = known.caller.username
        pay_as(caller_payer(known.caller.username))
        return known.caller

    def payer_of(self, request: Request) -> Payer:
        """Return who pays for a request of which nothing is checked yet: who was known by its token, or its address."""
        address = address_of(request, self._settings.trusted_proxies)
        if self._settings.auth_mode == "none":
            return caller_payer(address)
        try:
            known = self._known.get_stale(_digest(shown_by(request).kept_as))
        except Problem:
            known = None
        return stranger(address) if known is None else caller_payer(known.caller.username)

    def expect(self, owner: str, token: str) -> None:
        """Let a token that this process has just handed out pass by those that nobody has shown to be good."""
        self._expected.put(owner, _digest(token), True)

    async def require(
        self,
        caller: Caller,
        *,
        verb: str,
        resource: str,
        subresource: str = "",
        namespace: str,
        name: str = "",
    ) -> None:
        """Raise Problem 403 unless the caller may do that; raises KubernetesError. ``namespace`` "" means all of them.

        Asked first for all objects of the namespace, which most may or may not: so one answer serves many.
        """
        if caller.identity is None:
            pay_for_namespace(namespace)
            return
        names = ("", name) if name else ("",)
        for asked in names:
            if await self._allowed(caller.identity, _Question(verb, resource, subresource, namespace, asked)):
                pay_for_namespace(namespace)
                return
        what = f"{resource}/{subresource}" if subresource else resource
        which = f" {name}" if name else ""
        where = f"namespace {namespace}" if namespace else "all namespaces"
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "Forbidden",
            f"{caller.username} may not {verb} {what}{which} in {where}."
            f"{advice(verb, resource, subresource)}",
        )

    async def _review(self, shown: Shown, key: bytes, address: str, *, known_before: bool) -> _Known:
        if self._refused.get(key):
            raise shown.refusal
        asked = self._clock()
        if shown.key_id is not None:
            known = await self._review_key(Credentials(shown.key_id, shown.secret), address, asked)
        else:
            known = await self._review_token(shown.text, key, address, asked, known_before=known_before)
        if known is None:
            self._known.drop(key)
            raise shown.refusal
        self._known.put(known.caller.username, key, known)
        return known

    async def _review_token(
        self, token: str, key: bytes, address: str, asked: float, *, known_before: bool
    ) -> _Known | None:
        claims = token_claims(token) if len(token) <= LONGEST_TOKEN else {}
        identity = None
        if not is_hopeless(token, claims):
            audience = SERVICE_AUDIENCE if SERVICE_AUDIENCE in audiences(claims) else None
            line = contextlib.nullcontext() if known_before else self._attempts.turn(address, key)
            async with line:
                identity = await self._client.review_token(token, audience)
        if identity is None:
            self._refused.put(key, True)
            await self._attempts.failed(address)
            return None
        return _Known(Caller(identity.username, identity), expiry_of(claims), asked)

    async def _review_key(self, credentials: Credentials, address: str, asked: float) -> _Known | None:
        """Ask with a token of the key's account: the API server is the judge of keys as well."""
        try:
            token, expires = await self._keys.token(credentials, address)
        except Problem as problem:
            if problem.status == HTTPStatus.UNAUTHORIZED:
                return None
            raise
        identity = await self._client.review_token(token, SERVICE_AUDIENCE)
        if identity is None:
            return None
        return _Known(Caller(identity.username, identity), expires.timestamp(), asked)

    async def _allowed(self, identity: TokenIdentity, question: "_Question") -> bool:
        key = (_who(identity), question)
        allowed = self._decisions.get(key)
        if allowed is None:
            old = self._decisions.get_stale(key) or None  # An old no is no answer
            decision = self._questions.ask(key, lambda: self._decide(key, identity, question))
            with paid_by(renewal(identity.username) if old else current_payer()):
                allowed = await _answer_or(
                    old, decision, lambda: self._decisions.renew(key, seconds=_ASK_AGAIN_SECONDS)
                )
        return allowed

    async def _decide(
        self, key: tuple[_Who, _Question], identity: TokenIdentity, question: "_Question"
    ) -> bool:
        allowed = await self._client.review_access(
            identity,
            verb=question.verb,
            group=API_GROUP,
            resource=question.resource,
            subresource=question.subresource,
            namespace=question.namespace,
            name=question.name,
        )
        self._decisions.put(identity.username, key, allowed, seconds=None if allowed else DENIED_SECONDS)
        return allowed


async def _answer_or(old: V | None, answer: Awaitable[V], renew: Callable[[], None]) -> V:
    """Return the API server's answer, or while it is away what it said before."""
    try:
        async with asyncio.timeout(None if old is None else _PATIENCE_SECONDS):
            return await answer
    except (KubernetesError, TimeoutError):
        if old is None:
            raise
        renew()
        return old


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _who(identity: TokenIdentity) -> _Who:
    """Return all that the API server is told of the caller: two tokens of one user may differ in ``extra``."""
    extra = tuple(sorted((name, tuple(values)) for name, values in identity.extra.items()))
    return (identity.username, identity.uid, tuple(identity.groups), extra)
