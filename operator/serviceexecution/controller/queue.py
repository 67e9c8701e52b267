"""A work queue for asyncio: each key waits once, never runs twice at the same time, and backs off after failures.

The same shape as the queue of Kubernetes' own controllers (client-go's workqueue).
"""

import asyncio
import time
from collections import deque
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

FIRST_BACKOFF: Final = 0.2
LARGEST_BACKOFF: Final = 60.0


class WorkQueue(Generic[Key]):
    """Keys that need work. A key added while it is being worked on runs once more afterwards."""

    def __init__(self) -> None:
        self._ready: deque[Key] = deque()
        self._queued: dict[Key, float] = {}
        self._active: dict[Key, float] = {}
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()

    def add(self, key: Key) -> None:
        """Queue ``key`` now, unless it waits already."""
        self._cancel_timer(key)
        if key in self._active:
            self._again.add(key)
        elif key not in self._queued:
            self._queued[key] = time.monotonic()
            self._ready.append(key)
            self._wake_one()

    def add_after(self, key: Key, seconds: float) -> None:
        """Queue ``key`` in so many seconds, or earlier if it is to come earlier already."""
        loop = asyncio.get_running_loop()
        due = loop.time() + max(seconds, 0)
        timer = self._timers.get(key)
        if timer is not None and timer.when() <= due:
            return
        self._cancel_timer(key)
        self._timers[key] = loop.call_at(due, self._due, key)

    def retry(self, key: Key) -> float:
        """Queue a failed ``key`` after a pause that doubles with each failure; return the pause in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        pause = min(FIRST_BACKOFF * 2.0 ** min(failures, 32), LARGEST_BACKOFF)
        self.add_after(key, pause)
        return pause

    async def get(self) -> Key:
        """Wait for a key and take it; the caller says ``done`` when its work is over."""
        while not self._ready:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake_one()
                raise
        key = self._ready.popleft()
        del self._queued[key]
        self._active[key] = time.monotonic()
        return key

    def done(self, key: Key, *, succeeded: bool) -> None:
        """Give ``key`` back. Success forgets its failures."""
        self._active.pop(key, None)
        if succeeded:
            self._failures.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def forget(self, key: Key) -> None:
        """Drop what is remembered of a key that does not exist any more."""
        self._cancel_timer(key)
        self._failures.pop(key, None)

    def __len__(self) -> int:
        return len(self._ready)

    def oldest_seconds(self) -> float:
        """Return how long the key that waits or runs longest has done so."""
        now = time.monotonic()
        return now - min([*self._queued.values(), *self._active.values()], default=now)

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _cancel_timer(self, key: Key) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
