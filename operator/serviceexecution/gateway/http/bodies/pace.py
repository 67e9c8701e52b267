"""Bodies that keep a turn while they come: who sends a byte now and then would keep it for ever."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from serviceexecution.gateway.http.problems import Problem, unavailable

GRACE_SECONDS: Final = 30.0
"""A sender may be late by so much in all, whatever its rate: a collector on a busy node, a new attempt of TCP."""
LEAST_RATE: Final = 64 * 1024
"""Bytes per second that a body must come with, beyond the grace: 1 GiB has four and a half hours and more."""
LEAST_RATE_CONTENDED: Final = 1024 * 1024
"""The same while another namespace waits for the turn. Pods reach the gateway by the cluster's own network."""
_LOOK_SECONDS: Final = 1.0


class Pace:
    """Counts what comes and how long its sender was waited for. What the store takes is not the sender's time."""

    def __init__(self, contended: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._contended = contended
        self._clock = clock
        self._received = 0
        self._waited = 0.0
        self._since: float | None = None
        self.crowded_out = False
        """Whether the sender was told to give way."""

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time within as the sender's."""
        self._since = self._clock()
        try:
            yield
        finally:
            self._waited += self._clock() - self._since
            self._since = None

    def add(self, received: int) -> None:
        """Count bytes that came."""
        self._received += received

    @property
    def in_the_way(self) -> bool:
        """Tell whether this sender is too slow while somebody waits for its turn."""
        return self._contended() and self._left(LEAST_RATE_CONTENDED) <= 0

    @property
    def left(self) -> float:
        """Return for how many seconds the sender may still be waited for, with nothing more coming."""
        return self._left(LEAST_RATE)

    def _left(self, rate: int) -> float:
        since = 0.0 if self._since is None else self._clock() - self._since
        return GRACE_SECONDS + self._received / rate - self._waited - since


async def paced_chunks(
    request: Request, pace: Pace, *, idle_seconds: float, all_seconds: float = float("inf")
) -> AsyncIterator[bytes]:
    """Give the body as it comes.

    Raises ClientDisconnect; Problem 408 when the sender falls silent, is too slow, or is not done after
    ``all_seconds``; 503 when it is slow and another namespace waits for its turn.
    """
    chunks = request.stream()
    end = time.monotonic() + all_seconds
    while True:
        allowed = max(0.0, min(idle_seconds, pace.left, end - time.monotonic()))
        try:
            async with asyncio.timeout(allowed) as limit:
                with _Watch(pace, limit), pace.waiting():
                    chunk = await anext(chunks, None)
        except TimeoutError:
            raise _crowded_out() if pace.crowded_out else _too_slow() from None
        if chunk is None:
            return
        if pace.in_the_way:
            raise _crowded_out()
        if chunk:
            pace.add(len(chunk))
            yield chunk


class _Watch:
    """Looks now and then whether somebody has come who would need the turn, and ends the wait if so."""

    def __init__(self, pace: Pace, limit: asyncio.Timeout) -> None:
        self._pace = pace
        self._limit = limit
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pace.in_the_way:
            self._pace.crowded_out = True
            self._limit.reschedule(loop.time())
        else:
            self._timer = loop.call_later(_LOOK_SECONDS, self._look)


def _too_slow() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_TIMEOUT, "BodyTimeout", "The rest of the body did not come, or came too slowly."
    )


def _crowded_out() -> Problem:
    return unavailable("BodyTooSlow", "The body came too slowly while others waited for its turn.")
