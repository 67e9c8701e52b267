"""The token bucket in virtual time."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serviceexecution.fairness.payers import OWN_WORK, Payer, paid_by
from serviceexecution.kube import rate_limit
from serviceexecution.kube.errors import BudgetSpentError
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


async def request(bucket: TokenBucket, payer: Payer) -> None:
    with paid_by(payer):
        (await bucket.acquire()).release()


def test_who_floods_waits_behind_his_own():
    async def main() -> None:
        bucket = TokenBucket(qps=10, burst=1)
        done: list[str] = []

        async def one(name: str) -> None:
            await request(bucket, Payer("callers", name))
            done.append(name)

        flood = [asyncio.create_task(one("flooder")) for _ in range(300)]
        await asyncio.sleep(0)
        await asyncio.gather(one("witness"), one("witness"))
        assert done.count("flooder") <= 4
        assert asyncio.get_running_loop().time() <= 0.5
        await asyncio.gather(*flood)
        assert asyncio.get_running_loop().time() == pytest.approx(30.1), "nothing of the rate is lost"

    run(main())


def test_patience_ends_with_a_refusal_and_gives_the_place_back():
    async def main() -> None:
        bucket = TokenBucket(qps=1, burst=1)
        await bucket.acquire()
        hasty = Payer("callers", "hasty", patience=0.5)
        with pytest.raises(BudgetSpentError) as refused:
            await request(bucket, hasty)
        assert (refused.value.status, refused.value.retriable) == (429, True)
        assert refused.value.retry_after is not None
        assert refused.value.retry_after >= 1
        assert asyncio.get_running_loop().time() == pytest.approx(0.5)
        await bucket.acquire()
        assert asyncio.get_running_loop().time() == pytest.approx(1.0)

    run(main())


def test_too_much_of_one_account_is_refused_at_once_but_never_work_of_our_own(monkeypatch):
    monkeypatch.setattr(rate_limit, "WAITING_PER_ACCOUNT", 3)
    monkeypatch.setattr(rate_limit, "WAITING", 4)

    async def main() -> None:
        bucket = TokenBucket(qps=1, burst=1)
        await bucket.acquire()
        flooder = Payer("callers", "flooder", patience=100)
        waiting = [asyncio.create_task(request(bucket, flooder)) for _ in range(3)]
        waiting += [asyncio.create_task(request(bucket, OWN_WORK)) for _ in range(5)]
        await asyncio.sleep(0)
        for part in ("", "other"):
            with pytest.raises(BudgetSpentError):
                await request(bucket, Payer("callers", "flooder", part, patience=100))
        assert asyncio.get_running_loop().time() == 0
        waiting.append(asyncio.create_task(request(bucket, Payer("callers", "newcomer", patience=100))))
        await asyncio.sleep(0)
        with pytest.raises(BudgetSpentError):  # beyond what waits in all, one of each
            await request(bucket, Payer("callers", "newcomer", patience=100))
        await asyncio.gather(*waiting)

    run(main())


def test_after_a_pause_requests_go_out_at_the_rate_and_not_all_at_once():
    async def main() -> None:
        bucket = TokenBucket(qps=100, burst=200)
        loop = asyncio.get_running_loop()
        times: list[float] = []

        async def one() -> None:
            await bucket.acquire()
            times.append(loop.time())

        bucket.pause(5)
        await asyncio.gather(*(one() for _ in range(450)))
        assert times[0] == pytest.approx(5.0)
        assert sum(time <= 5.1 for time in times) <= 12
        assert times[-1] == pytest.approx(5 + 449 / 100)

    run(main())


def test_slow_requests_of_one_account_leave_connections_for_others():
    async def main() -> None:
        bucket = TokenBucket(qps=1000, burst=1000, in_flight=8)

        async def slow() -> None:
            with paid_by(Payer("callers", "slow")):
                turn = await bucket.acquire()
                await asyncio.sleep(60)
                turn.release()
                turn.release()

        tasks = [asyncio.create_task(slow()) for _ in range(10)]
        await asyncio.sleep(0)
        for _ in range(5):
            await request(bucket, Payer("callers", "quick"))
        assert asyncio.get_running_loop().time() == 0
        await asyncio.gather(*tasks)
        assert asyncio.get_running_loop().time() == pytest.approx(300)

    run(main())


ACCOUNTS = [Payer("callers", "a"), Payer("callers", "b"), Payer("own work")]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ACCOUNTS),
            st.floats(0, 2),
            st.none() | st.floats(0, 2),
            st.floats(0, 1),
        ),
        min_size=1,
        max_size=60,
    ),
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 2)), max_size=2),
)
def test_the_rate_is_kept_and_nobody_starves_whoever_comes_leaves_or_takes_long(requests, pauses):
    async def main() -> None:
        qps, burst = 10, 3
        bucket = TokenBucket(qps=qps, burst=burst, in_flight=2)
        loop = asyncio.get_running_loop()
        times: list[float] = []

        async def one(payer: Payer, at: float, leaves_after: float | None, takes: float) -> None:
            await asyncio.sleep(at)
            try:
                async with asyncio.timeout(leaves_after):
                    with paid_by(payer):
                        turn = await bucket.acquire()
            except TimeoutError:
                return
            times.append(loop.time())
            await asyncio.sleep(takes)
            turn.release()

        async def pause(at: float, seconds: float) -> None:
            await asyncio.sleep(at)
            bucket.pause(seconds)

        await asyncio.gather(*(one(*each) for each in requests), *(pause(*each) for each in pauses))
        for first in range(len(times)):
            for last in range(first, len(times)):
                sent = last - first + 1
                assert sent <= burst + len(pauses) + 1e-6 + qps * (times[last] - times[first])
        assert len(times) >= sum(leaves_after is None for _, _, leaves_after, _ in requests)
        await asyncio.sleep(3)  # longer than the longest pause
        started = loop.time()
        for _ in range(burst):
            await request(bucket, ACCOUNTS[0])
        assert loop.time() == started, "all that was taken has been given back"

    run(main())


def test_senseless_limits_are_refused():
    with pytest.raises(ValueError, match="qps"):
        TokenBucket(qps=0, burst=1)
