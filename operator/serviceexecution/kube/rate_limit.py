"""Keeps one client below its share of the API server."""

import asyncio
from typing import Final

from serviceexecution.kube.metrics import THROTTLE_SECONDS

MAX_PAUSE_SECONDS: Final = 60.0


class TokenBucket:
    """Token bucket, first come first served: ``qps`` requests per second, ``burst`` at once after a rest.

    The whole state of a client's rate limit is here. Used by the tasks of one event loop only.
    """

    def __init__(self, *, qps: float, burst: int) -> None:
        if qps <= 0 or burst < 1:
            message = f"a rate limit needs qps > 0 and burst >= 1, not {qps} and {burst}"
            raise ValueError(message)
        self._qps = qps
        self._burst = float(burst)
        self._tokens = float(burst)
        self._refilled_at: float | None = None
        self._paused_until = 0.0

    async def acquire(self) -> None:
        """Wait for this request's turn; the time waited goes to the throttle metric."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        self._refill(start)
        self._tokens -= 1.0  # below zero: a reservation, which keeps the order of the callers
        ready_at = start - min(self._tokens, 0.0) / self._qps
        try:
            await self._sleep_until(ready_at)
        except asyncio.CancelledError:
            self._tokens += 1.0
            raise
        finally:
            THROTTLE_SECONDS.inc(max(loop.time() - start, 0.0))

    def pause(self, seconds: float) -> None:
        """Let no request through for that time (at most 60 s), because the API server asked for it."""
        until = asyncio.get_running_loop().time() + min(max(seconds, 0.0), MAX_PAUSE_SECONDS)
        self._paused_until = max(self._paused_until, until)

    async def _sleep_until(self, ready_at: float) -> None:
        loop = asyncio.get_running_loop()
        # A pause that begins while we sleep counts too.
        while (wait := max(ready_at, self._paused_until) - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait)

    def _refill(self, now: float) -> None:
        if self._refilled_at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._refilled_at) * self._qps)
        self._refilled_at = now
