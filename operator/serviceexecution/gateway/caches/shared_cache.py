"""A cache that its owners share: whoever fills it pushes out what is his own, not what others have in it."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from serviceexecution.gateway.caches.expiring_cache import ExpiringCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SharedCache(Generic[K, V]):
    """An ExpiringCache of ``capacity`` values, at most ``per_owner`` of them of one owner, such as a user.

    When all is full the owner who has most loses the oldest.
    """

    def __init__(
        self,
        *,
        seconds: float,
        capacity: int,
        per_owner: int,
        stale_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # One more: what goes is decided here
        self._cache: ExpiringCache[K, V] = ExpiringCache(
            seconds=seconds, capacity=capacity + 1, stale_seconds=stale_seconds, clock=clock
        )
        self._capacity = capacity
        self._per_owner = per_owner
        self._owners: dict[str, OrderedDict[K, None]] = {}
        self._owner_of: dict[K, str] = {}

    def get(self, key: K) -> V | None:
        """Return the value unless it is missing or has expired."""
        return self._cache.get(key)

    def get_stale(self, key: K) -> V | None:
        """Return the value although it may have expired, unless it is too old."""
        return self._cache.get_stale(key)

    def renew(self, key: K, *, seconds: float) -> None:
        """Take a stale value as a new one for some time; it does not get any younger."""
        self._cache.renew(key, seconds=seconds)

    def put(self, owner: str, key: K, value: V, *, seconds: float | None = None) -> None:
        """Remember the owner's value from now on, for ``seconds`` where this one has a time of its own."""
        self.drop(key)
        self._cache.put(key, value, seconds=seconds)
        mine = self._owners.setdefault(owner, OrderedDict())
        mine[key] = None
        self._owner_of[key] = owner
        if len(mine) > self._per_owner:
            self.drop(next(iter(mine)))
        elif len(self._owner_of) > self._capacity:
            largest = max(self._owners.values(), key=len)
            self.drop(next(iter(largest)))

    def drop(self, key: K) -> None:
        """Forget the value."""
        self._cache.drop(key)
        owner = self._owner_of.pop(key, None)
        if owner is None:
            return
        mine = self._owners[owner]
        del mine[key]
        if not mine:
            del self._owners[owner]

    def __len__(self) -> int:
        return len(self._cache)
