"""A small cache whose entries expire."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """Keeps up to ``capacity`` values for ``seconds`` each; the oldest go first."""

    def __init__(self, *, seconds: float, capacity: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._capacity = capacity
        self._clock = clock
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the value unless it is missing or has expired."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        expiry, value = entry
        if self._clock() >= expiry:
            del self._entries[key]
            return None
        return value

    def put(self, key: K, value: V, *, seconds: float | None = None) -> None:
        """Remember the value from now on, for ``seconds`` where this one has a time of its own."""
        self._entries.pop(key, None)
        self._entries[key] = (self._clock() + (self._seconds if seconds is None else seconds), value)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)
