"""A number of turns that keys, such as namespaces, share fairly."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from serviceexecution.fairness.rotation import Rotation


class NoTurnError(Exception):
    """No turn came in time, or too much of the same key waits already."""


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a budget is taken at one moment."""

    held: int
    most: int
    waiting: int = 0


class FairTurns:
    """``turns`` at once for all keys together, and at most ``per_key`` for one of them.

    A free turn goes to the key that has waited longest since its last one. Used by the tasks of one event loop only.
    """

    def __init__(self, turns: int, *, per_key: int | None = None, waiting_per_key: int = 1000) -> None:
        """``per_key`` None means that one key may have all turns, which only suits turns that end soon by themselves.

        ``waiting_per_key`` bounds the memory of those who wait.
        """
        if turns < 1 or (per_key is not None and per_key < 1):
            raise ValueError(f"turns are 1 or more, not {turns} and {per_key} for one key")
        self._number = turns
        self._free = turns
        self._per_key = turns if per_key is None else per_key
        self._waiting_per_key = waiting_per_key
        self._held: Counter[str] = Counter()
        self._waiting: Rotation[str, asyncio.Future[None]] = Rotation()

    @contextlib.asynccontextmanager
    async def turn(self, key: str, *, wait: float | None = None) -> AsyncGenerator[None, None]:
        """Hold a turn of ``key``; raises NoTurnError when none came within ``wait`` seconds (None: for ever), or when
        ``waiting_per_key`` others of that key wait already.
        """
        await self._acquire(key, wait)
        try:
            yield
        finally:
            self._release(key)

    @property
    def use(self) -> Use:
        """Return how many turns are held, of how many, and how many wait for one."""
        return Use(self._number - self._free, self._number, len(self._waiting))

    def contended(self, key: str) -> bool:
        """Tell whether another key would have a turn now if one that is held were given back."""
        return self._waiting.any(lambda other: other != key and self._held[other] < self._per_key)

    async def _acquire(self, key: str, wait: float | None) -> None:
        if self._waiting.waiting(key) >= self._waiting_per_key:
            raise NoTurnError
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(key, granted)
        self._grant()
        try:
            async with asyncio.timeout(wait):
                await granted
        except BaseException as error:
            if granted.done() and not granted.cancelled():
                self._release(key)  # It came in the same moment
            else:
                self._waiting.remove(key, granted)
            if isinstance(error, TimeoutError):
                raise NoTurnError from None
            raise

    def _release(self, key: str) -> None:
        self._free += 1
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]
        self._grant()

    def _grant(self) -> None:
        while self._free and (taken := self._waiting.take(lambda key: self._held[key] < self._per_key)):
            key, granted = taken
            if granted.done():  # Its task was cancelled and has not run since
                continue
            self._free -= 1
            self._held[key] += 1
            granted.set_result(None)
