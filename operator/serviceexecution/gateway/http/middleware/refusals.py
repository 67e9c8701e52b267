"""Who is told to come back later, and comes back at once, is told so later each time.

A refusal costs a connection, a head, the look at a token and the part of a body that has come: clients that do not
heed Retry-After would keep the process busy with nothing else. A refusal that is held costs a timer, and its connection
makes room for others.
"""

import asyncio
import contextlib
import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serviceexecution.fairness.payers import Payer, current_payer
from serviceexecution.gateway.http.gone import HELD, Held
from serviceexecution.gateway.http.problems import Problem, response_of

FREE: Final = 10.0
"""Refusals of an account that are sent at once."""
FORGIVEN_PER_SECOND: Final = 1.0
FIRST_SECONDS: Final = 0.1
"""How much later the next one is sent; each after it twice as much."""
MOST_SECONDS: Final = 2.0
"""As much as Retry-After says."""
MOST_COUNTED: Final = FREE + 10.0
"""More are not counted: ten seconds without a refusal, and one is sent at once again."""
HELD_OF_ACCOUNT: Final = 64
"""Refusals of one account that are held at the same time. While there are so many, its further requests are answered
before anything is done for them, and their connections closed."""
HELD_AT_ONCE: Final = 512
"""Of all accounts, with up to 64 KiB of a body each; more are sent at once."""
_ACCOUNTS: Final = 10_000
_REFUSALS: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS.value, HTTPStatus.SERVICE_UNAVAILABLE.value})
_CALLERS: Final = "callers"
_PODS: Final = "pods"
"""Groups of those whose token is good. Strangers share an address with others, who are not to wait for them."""
_Account = tuple[str, str]


class Refusals:
    """ASGI middleware. State owner of the refusals that each account has had, and of those that are held."""

    def __init__(
        self,
        app: ASGIApp,
        payer_of: Callable[[Scope], Payer],
        draining: asyncio.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``payer_of`` says who pays before anything is asked; when ``draining`` is set, nothing is held."""
        self._app = app
        self._payer_of = payer_of
        self._draining = draining
        self._clock = clock
        self._counts: OrderedDict[_Account, tuple[float, float]] = OrderedDict()
        """How many each has had by when."""
        self._held: Counter[_Account] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if (
            self._held
            and max(self._held[self._payer_of(scope).account], self._held[_pod(scope)]) >= HELD_OF_ACCOUNT
        ):
            await response_of(_too_many())(scope, receive, send)
            return

        async def held_back(message: Message) -> None:
            if message["type"] == "http.response.start" and _says_later(message):
                account = current_payer().account
                if account[0] in {_CALLERS, _PODS}:
                    await self._hold(scope, account if account[0] == _CALLERS else _pod(scope))
            await send(message)

        await self._app(scope, receive, held_back)

    def seconds(self, account: _Account) -> float:
        """Count a refusal, and return for how long it is to be held."""
        now = self._clock()
        count, counted_at = self._counts.pop(account, (0.0, now))
        count = min(max(0.0, count - (now - counted_at) * FORGIVEN_PER_SECOND) + 1.0, MOST_COUNTED)
        self._counts[account] = (count, now)
        if len(self._counts) > _ACCOUNTS:
            self._counts.popitem(last=False)
        beyond = count - FREE
        return 0.0 if beyond <= 0 else min(FIRST_SECONDS * 2.0**beyond, MOST_SECONDS)

    async def _hold(self, scope: Scope, account: _Account) -> None:
        """Wait until a refusal may be sent, or its connection is wanted, or the process is about to end."""
        seconds = self.seconds(account)
        if not seconds or self._draining.is_set() or self._held.total() >= HELD_AT_ONCE:
            return
        told: Held = scope.get("extensions", {}).get(HELD, lambda _: None)
        loop = asyncio.get_running_loop()
        self._held[account] += 1
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds) as limit:
                    told(lambda: None if limit.expired() else limit.reschedule(loop.time()))
                    await self._draining.wait()
        finally:
            told(None)
            self._held[account] -= 1
            if not self._held[account]:
                del self._held[account]


def _pod(scope: Scope) -> _Account:
    """Return the account of a pod by its token: those of a namespace are many, and do not wait for each other."""
    shown = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return _PODS, hashlib.blake2s(shown, digest_size=16).hexdigest()


def _says_later(message: Message) -> bool:
    """Tell whether an answer's head says that the same request may succeed later."""
    return message["status"] in _REFUSALS and any(name == b"retry-after" for name, _ in message["headers"])


def _too_many() -> Problem:
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "TooManyRefusals",
        "Many of your requests were told to come back later, and came back at once; wait as long as Retry-After says.",
        headers={"Retry-After": "2", "Connection": "close"},
    )
