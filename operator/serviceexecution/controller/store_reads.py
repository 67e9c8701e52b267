"""What passes ask of the store: few questions at a time, each with a limit, so that a store that is away holds up
only what needs it.

Sixteen workers do all that happens to executions. A store that hangs must not have them all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from serviceexecution.fairness.turns import FairTurns, NoTurnError
from serviceexecution.store.errors import StoreError

ASKED_AT_ONCE: Final = 6
"""Of sixteen workers."""
ASKED_BY_NAMESPACE: Final = 3
TURN_SECONDS: Final = 0.25
"""How long a pass waits for others' questions to be answered. Then it goes on, and asks when it looks again."""
ASK_SECONDS: Final = 15.0
"""How long the store has for one question. It has some requests, each with a limit of its own."""
SLOW_SECONDS: Final = 1.0
"""Whatever fails after so long is not asked again at once."""
PAUSE_SECONDS: Final = 5.0
_REMEMBERED: Final = 1000

_T = TypeVar("_T")


class NoTurnAtStoreError(StoreError):
    """Others' questions have all turns: this one was not asked, and nothing is known of the store."""


class StoreReads:
    """State owner of the questions that are under way, and of the namespaces that got no answer of late."""

    def __init__(
        self,
        *,
        limit: float = ASK_SECONDS,
        slow: float = SLOW_SECONDS,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        """All in seconds, for tests."""
        self._limit = limit
        self._slow = slow
        self._pause = pause
        self._turns = FairTurns(ASKED_AT_ONCE, per_key=ASKED_BY_NAMESPACE)
        self._away_until: dict[str, float] = {}

    async def ask(self, namespace: str, question: Callable[[], Awaitable[_T]]) -> _T:
        """Return the store's answer; raises StoreError, soon and without a question while others wait in vain.

        NoTurnAtStoreError says that the question was not asked.
        """
        self._refuse_while_away(namespace)
        try:
            async with self._turns.turn(namespace, wait=TURN_SECONDS):
                return await self._ask(namespace, question)
        except NoTurnError:
            raise NoTurnAtStoreError("the store is slow: others wait for it") from None

    async def _ask(self, namespace: str, question: Callable[[], Awaitable[_T]]) -> _T:
        clock = asyncio.get_running_loop().time
        self._refuse_while_away(namespace)  # It may have been found to be away while this waited for its turn
        if namespace in self._away_until:  # One asks for all, and they hear of it
            self._away_until[namespace] = clock() + self._limit
        started = clock()
        try:
            async with asyncio.timeout(self._limit):
                answer = await question()
        except (TimeoutError, StoreError) as error:
            if clock() - started >= self._slow:
                self._note_away(namespace)
            else:
                self._away_until.pop(namespace, None)
            if isinstance(error, StoreError):
                raise
            raise StoreError("the store does not answer") from error
        except BaseException:
            self._away_until.pop(namespace, None)
            raise
        self._away_until.pop(namespace, None)
        return answer

    def _refuse_while_away(self, namespace: str) -> None:
        until = self._away_until.get(namespace)
        if until is not None and asyncio.get_running_loop().time() < until:
            raise StoreError("the store does not answer")

    def _note_away(self, namespace: str) -> None:
        now = asyncio.get_running_loop().time()
        if len(self._away_until) >= _REMEMBERED:
            self._away_until = {one: until for one, until in self._away_until.items() if until > now}
        self._away_until[namespace] = now + self._pause
