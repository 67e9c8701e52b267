"""Slows down those who guess: after some failures an address or a key has to wait."""

import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway.http.problems import Problem

ALLOWED_FAILURES: Final = 20
"""Failures in a row; more only as they are forgiven."""
FORGIVEN_EVERY: Final = 3.0
"""Seconds after which one failure is forgotten."""
_CAPACITY: Final = 10_000


class FailureLimiter:
    """State owner of recent failures by key, such as an address. Bounded: the oldest are forgotten first."""

    def __init__(
        self,
        *,
        allowed: int = ALLOWED_FAILURES,
        forgiven_every: float = FORGIVEN_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = allowed
        self._forgiven_every = forgiven_every
        self._clock = clock
        self._failures: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, *keys: str) -> None:
        """Raise Problem 429 when one of the keys has failed too often."""
        wait = max((self._wait(key) for key in keys), default=0.0)
        if wait > 0:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "TooManyFailures",
                "Too many failed attempts to authenticate; wait, and check the credentials.",
                headers={"Retry-After": str(int(wait) + 1)},
            )

    def failed(self, *keys: str) -> None:
        """Count one failure of each key."""
        now = self._clock()
        for key in keys:
            count = self._count(key, now) + 1
            self._failures[key] = (count, now)
            self._failures.move_to_end(key)
        while len(self._failures) > _CAPACITY:
            self._failures.popitem(last=False)

    def _wait(self, key: str) -> float:
        over = self._count(key, self._clock()) + 1 - self._allowed
        return over * self._forgiven_every if over > 0 else 0.0

    def _count(self, key: str, now: float) -> float:
        count, when = self._failures.get(key, (0.0, now))
        return max(0.0, count - (now - when) / self._forgiven_every)
