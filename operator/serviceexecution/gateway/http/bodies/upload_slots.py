"""Bounds how many large bodies are received at once, and with that the memory that they take; fair by namespace."""

import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Final

from serviceexecution.fairness.turns import FairTurns, NoTurnError, Use
from serviceexecution.gateway.http.problems import unavailable

LARGE_BYTES: Final = 1024 * 1024
_WAITING: Final = 256
"""Requests of one namespace that may wait for a turn; what is more is told at once to come back."""

Contended = Callable[[], bool]
"""Tells whether another namespace waits for the turn that one holds."""


class UploadSlots:
    """Turns to receive a body. One namespace has at most half of them, so that its slow senders cost no other's file
    its place."""

    def __init__(self, *, large: int, small: int, queue_seconds: float, what: str = "uploads") -> None:
        """``large`` and ``small`` are how many of above 1 MiB, or below, are received at the same time."""
        self._large = FairTurns(large, per_key=_half(large), waiting_per_key=_WAITING)
        self._small = FairTurns(small, per_key=_half(small), waiting_per_key=_WAITING)
        self._queue_seconds = queue_seconds
        self._what = what

    @property
    def uses(self) -> tuple[Use, Use]:
        """Return how many turns of large and of small bodies are taken."""
        return self._large.use, self._small.use

    @contextlib.asynccontextmanager
    async def turn(self, namespace: str, length: int | None) -> AsyncGenerator[Contended, None]:
        """Wait for a turn of a body of ``length`` bytes, None when nobody knows; raises Problem 503."""
        turns = self._small if length is not None and length <= LARGE_BYTES else self._large
        async with contextlib.AsyncExitStack() as held:
            try:
                await held.enter_async_context(turns.turn(namespace, wait=self._queue_seconds))
            except NoTurnError:
                raise unavailable(
                    f"TooMany{self._what.capitalize()}", f"Too many {self._what} are running."
                ) from None
            yield lambda: turns.contended(namespace)


def _half(turns: int) -> int:
    return (turns + 1) // 2
