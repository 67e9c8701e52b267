"""A small cache whose entries expire."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class _Entry(Generic[V]):
    fresh_until: float
    kept_until: float
    value: V


class ExpiringCache(Generic[K, V]):
    """Keeps up to ``capacity`` values for ``seconds`` each; the oldest go first.

    For ``stale_seconds`` more a value is there for those who cannot get a new one.
    """

    def __init__(
        self,
        *,
        seconds: float,
        capacity: int,
        stale_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._stale_seconds = stale_seconds
        self._capacity = capacity
        self._clock = clock
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the value unless it is missing or has expired."""
        entry = self._entries.get(key)
        return None if entry is None or self._clock() >= entry.fresh_until else entry.value

    def get_stale(self, key: K) -> V | None:
        """Return the value although it may have expired, unless it is too old."""
        entry = self._entries.get(key)
        return None if entry is None or self._clock() >= entry.kept_until else entry.value

    def renew(self, key: K, *, seconds: float) -> None:
        """Take a stale value as a new one for some time; it does not get any younger."""
        entry = self._entries.get(key)
        if entry is not None:
            entry.fresh_until = min(self._clock() + seconds, entry.kept_until)

    def put(self, key: K, value: V, *, seconds: float | None = None) -> None:
        """Remember the value from now on, for ``seconds`` where this one has a time of its own."""
        self.drop(key)
        fresh_until = self._clock() + (self._seconds if seconds is None else seconds)
        self._entries[key] = _Entry(fresh_until, fresh_until + self._stale_seconds, value)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget the value."""
        self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)
