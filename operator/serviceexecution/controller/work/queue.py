"""A work queue for asyncio: each key waits once, never runs twice at the same time, and backs off after failures.

It has the shape of the queue of Kubernetes' own controllers (client-go's workqueue), but namespaces take turns: a user
with thousands of keys in the queue waits behind them.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from serviceexecution.fairness.rotation import Rotation

Key = TypeVar("Key", bound=Hashable)

FIRST_BACKOFF: Final = 0.2
LARGEST_BACKOFF: Final = 60.0
NEWS_PER_WAKE_UP: Final = 4
"""When both wait, this many keys with news go before one key that only looks again. Timeouts are such looks: under a
flood of news they come late, but they come."""


def _one_owner(_: Hashable) -> str:
    """Return the same owner for all keys: they wait in one line."""
    return ""


class WorkQueue(Generic[Key]):
    """Keys that need work. A key added while it is being worked on runs once more afterwards."""

    def __init__(
        self,
        *,
        owner_of: Callable[[Key], str] = _one_owner,
        most_per_owner: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``owner_of`` gives the owner of a key, such as its namespace; an owner's keys wait behind each other. At
        most ``most_per_owner`` of them are worked on at the same time, so that others find a free worker.
        """
        self._clock = clock
        self._owner_of = owner_of
        self._most_per_owner = most_per_owner
        self._news: Rotation[str, Key] = Rotation()
        self._wake_ups: Rotation[str, Key] = Rotation()
        self._news_in_a_row = 0
        self._queued: dict[Key, float] = {}
        self._is_news: set[Key] = set()
        """Those of the queued keys that wait among the news."""
        self._in_wake_ups: set[Key] = set()
        """Keys with a place among the wake-ups; when news of one comes meanwhile, it is passed over there."""
        self._active: dict[Key, float] = {}
        self._active_of: Counter[str] = Counter()
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()

    def add(self, key: Key) -> None:
        """Queue ``key`` now, since there is news of it, unless it waits already."""
        self._cancel_timer(key)
        if key in self._active:
            self._again.add(key)
        elif key not in self._is_news:
            self._queued.setdefault(key, self._clock())
            self._is_news.add(key)
            self._news.add(self._owner_of(key), key)
            self._wake_one()

    def look_again(self, key: Key) -> None:
        """Queue ``key`` behind those with news, unless it waits already."""
        self._cancel_timer(key)
        if key in self._active:
            self._again.add(key)
        elif key not in self._queued:
            self._queued[key] = self._clock()
            if key not in self._in_wake_ups:
                self._in_wake_ups.add(key)
                self._wake_ups.add(self._owner_of(key), key)
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
        while (key := self._take()) is None:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake_one()
                raise
        return key

    def done(self, key: Key, *, succeeded: bool) -> None:
        """Give ``key`` back. Success forgets its failures."""
        if self._active.pop(key, None) is not None:
            owner = self._owner_of(key)
            self._active_of[owner] -= 1
            if not self._active_of[owner]:
                del self._active_of[owner]
            self._wake_one()  # The owner may have another one worked on now
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
        return len(self._queued)

    def oldest_seconds(self) -> float:
        """Return how long the key that waits or runs longest has done so."""
        now = self._clock()
        return now - min([*self._queued.values(), *self._active.values()], default=now)

    def longest_pass_seconds(self) -> float:
        """Return how long the key that is worked on longest has been."""
        now = self._clock()
        return now - min(self._active.values(), default=now)

    def _take(self) -> Key | None:
        wake_up_first = self._news_in_a_row >= NEWS_PER_WAKE_UP
        lines = (self._wake_ups, self._news) if wake_up_first else (self._news, self._wake_ups)
        for line in lines:
            while (taken := line.take(self._has_room)) is not None:
                key = taken[1]
                if line is self._news:
                    self._is_news.discard(key)
                else:
                    self._in_wake_ups.discard(key)
                    if key in self._is_news or key not in self._queued:
                        continue
                self._news_in_a_row = self._news_in_a_row + 1 if line is self._news else 0
                del self._queued[key]
                self._active[key] = self._clock()
                self._active_of[taken[0]] += 1
                return key
        return None

    def _has_room(self, owner: str) -> bool:
        return self._most_per_owner is None or self._active_of[owner] < self._most_per_owner

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.look_again(key)

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
