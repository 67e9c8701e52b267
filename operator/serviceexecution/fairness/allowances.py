"""What keys, such as namespaces, may spend in a time: one that has spent more waits until it has earned it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from serviceexecution.fairness.turns import NoTurnError

_KEYS: Final = 1000
"""So many are remembered before those who owe nothing are forgotten."""


class Allowances:
    """State owner of what each key has spent. Each key earns for itself, whatever others do."""

    def __init__(
        self,
        *,
        rate: float,
        saved: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """A key earns ``rate`` a second, and saves ``saved`` up while it rests."""
        self._rate = rate
        self._saved_seconds = saved / rate
        self._clock = clock
        self._sleep = sleep
        self._earned_at: dict[str, float] = {}
        """When what a key has spent so far will be earned."""

    async def take(self, key: str, amount: float, *, patience: float) -> None:
        """Spend ``amount`` as soon as all is earned that was spent before; who came first goes first.

        Raises NoTurnError, and nothing is spent, when that takes more than ``patience`` seconds.
        """
        seconds = self.seconds_until_free(key)
        if seconds > patience:
            raise NoTurnError
        self.spend(key, amount)
        if seconds > 0:
            await self._sleep(seconds)

    def spend(self, key: str, amount: float) -> None:
        """Let those of the key who come next wait for ``amount``."""
        now = self._clock()
        self._earned_at[key] = max(now, self._earned_at.get(key, now)) + amount / self._rate
        if len(self._earned_at) > _KEYS:
            self._earned_at = {one: when for one, when in self._earned_at.items() if when > now}

    def seconds_until_free(self, key: str) -> float:
        """Return for how long one who comes now would wait."""
        now = self._clock()
        return max(0.0, self._earned_at.get(key, now) - now - self._saved_seconds)
