"""The token bucket in virtual time."""

import asyncio
from typing import Any

import pytest

from serviceexecution.kube.metrics import THROTTLE_SECONDS
from serviceexecution.kube.rate_limit import TokenBucket


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Jumps over every wait, so that tests with seconds in them take none."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0

    def time(self) -> float:
        return self._virtual

    def _run_once(self) -> None:
        inner: Any = self  # what it has is known to asyncio alone
        if not inner._ready and inner._scheduled:
            self._virtual = max(self._virtual, inner._scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


def run(main) -> None:
    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(main)
    finally:
        loop.close()


def test_burst_then_rate_in_order():
    async def main() -> None:
        bucket = TokenBucket(qps=10, burst=5)
        loop = asyncio.get_running_loop()
        done: list[tuple[int, float]] = []

        async def one(number: int) -> None:
            await bucket.acquire()
            done.append((number, round(loop.time(), 3)))

        before = THROTTLE_SECONDS._value.get()
        await asyncio.gather(*(one(number) for number in range(8)))
        assert done == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0.1), (6, 0.2), (7, 0.3)]
        assert THROTTLE_SECONDS._value.get() - before == pytest.approx(0.6)
        await asyncio.sleep(100)
        started = loop.time()
        await asyncio.gather(*(one(number) for number in range(5)))
        assert loop.time() == started, "rested: the whole burst again, and not more"

    run(main())


def test_a_pause_holds_everybody_even_those_already_waiting():
    async def main() -> None:
        bucket = TokenBucket(qps=10, burst=1)
        loop = asyncio.get_running_loop()
        await bucket.acquire()
        waiting = asyncio.create_task(bucket.acquire())
        await asyncio.sleep(0.05)
        bucket.pause(3)
        await waiting
        assert loop.time() == pytest.approx(3.05)
        bucket.pause(1e9)
        await bucket.acquire()
        assert loop.time() <= 63.2, "a foolish Retry-After is bounded"

    run(main())


def test_a_cancelled_wait_gives_its_token_back():
    async def main() -> None:
        bucket = TokenBucket(qps=1, burst=1)
        await bucket.acquire()
        waiting = asyncio.create_task(bucket.acquire())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await bucket.acquire()
        assert asyncio.get_running_loop().time() == pytest.approx(1.0)

    run(main())


def test_senseless_limits_are_refused():
    with pytest.raises(ValueError, match="qps"):
        TokenBucket(qps=0, burst=1)
