"""Keeps one client below its share of the API server, and divides that share fairly between those who pay for it."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final

from serviceexecution.fairness.payers import Payer, current_payer
from serviceexecution.fairness.shares import Shares
from serviceexecution.kube.errors import BudgetSpentError
from serviceexecution.kube.metrics import REFUSED, THROTTLE_SECONDS

MAX_PAUSE_SECONDS: Final = 60.0
WAITING_PER_ACCOUNT: Final = 500
"""Requests of one account that wait: the last of more would be refused in the end, and each holds what it is for."""
WAITING: Final = 5000
"""Requests of all accounts that wait. Beyond that an account has one at a time: a flood shuts no newcomer out."""
_A_WHOLE: Final = 1.0 - 1e-9
"""A token, but for what is lost when fractions are added up."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    account: tuple[str, str]
    granted: "asyncio.Future[None]"


class Turn:
    """A request that may be sent; whoever has it says ``release`` when the answer is there."""

    def __init__(self, bucket: "TokenBucket", account: tuple[str, str]) -> None:
        self._bucket: TokenBucket | None = bucket
        self._account = account

    def release(self) -> None:
        """Let another request be under way; nothing happens the second time."""
        bucket, self._bucket = self._bucket, None
        if bucket is not None:
            bucket.ended(self._account)


class TokenBucket:
    """Token bucket: ``qps`` requests per second, ``burst`` at once after a rest. Who waits is served in turns by payer.

    The whole state of a client's rate limit is here. Used by the tasks of one event loop only.
    """

    def __init__(self, *, qps: float, burst: int, in_flight: int | None = None) -> None:
        """``in_flight`` is how many requests are under way at once, None for any number. One account has at most a
        quarter of them: else its slow requests would keep all connections, for which nobody takes turns, and all of an
        API server of few processors.
        """
        if qps <= 0 or burst < 1 or (in_flight is not None and in_flight < 1):
            message = f"a rate limit needs qps > 0 and burst >= 1, not {qps} and {burst}"
            raise ValueError(message)
        self._qps = qps
        self._burst = float(burst)
        self._tokens = float(burst)
        self._refilled_at = 0.0
        """In the future during a pause, in which nothing is saved up."""
        self._in_flight = in_flight
        self._in_flight_each = None if in_flight is None else max(1, in_flight // 4)
        self._under_way: Counter[tuple[str, str]] = Counter()
        self._shares: Shares[_Waiter] = Shares()
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self) -> Turn:
        """Wait for this request's turn; the time waited goes to the throttle metric.

        Raises BudgetSpentError when the payer has no more patience, or too much of its account waits already.
        """
        payer = current_payer()
        if payer.patience is not None and self._is_full(payer):
            raise self._refusal(payer)
        loop = asyncio.get_running_loop()
        start = loop.time()
        waiter = _Waiter(payer.account, loop.create_future())
        self._shares.add(payer, waiter)
        self._grant()
        try:
            async with asyncio.timeout(payer.patience):
                await waiter.granted
        except BaseException as error:
            if waiter.granted.done() and not waiter.granted.cancelled():  # It came in the same moment
                self._tokens = min(self._burst, self._tokens + 1.0)
                self.ended(payer.account)
            else:
                self._shares.remove(payer, waiter)
            if isinstance(error, TimeoutError):
                raise self._refusal(payer) from None
            raise
        finally:
            THROTTLE_SECONDS.inc(max(loop.time() - start, 0.0))
        return Turn(self, payer.account)

    def pause(self, seconds: float) -> None:
        """Let no request through for that time (at most 60 s), because the API server asked for it.

        Then one goes out, and others as tokens come: those who have waited meanwhile do not go all at once.
        """
        until = asyncio.get_running_loop().time() + min(max(seconds, 0.0), MAX_PAUSE_SECONDS)
        self._tokens = 1.0
        self._refilled_at = max(self._refilled_at, until)

    def ended(self, account: tuple[str, str]) -> None:
        """Count a request of ``account`` that is over; see Turn."""
        self._under_way[account] -= 1
        if not self._under_way[account]:
            del self._under_way[account]
        self._grant()

    def _is_full(self, payer: Payer) -> bool:
        waiting = self._shares.waiting(payer)
        return waiting >= WAITING_PER_ACCOUNT or (waiting > 0 and len(self._shares) >= WAITING)

    def _refusal(self, payer: Payer) -> BudgetSpentError:
        REFUSED.inc()
        return BudgetSpentError(retry_after=1.0 + self._shares.waiting(payer) / self._qps)

    def _grant(self) -> None:
        """Hand out what there is; come back when there is more, unless the end of another request is waited for."""
        now = asyncio.get_running_loop().time()
        self._refill(now)
        while self._refilled_at <= now and self._tokens >= _A_WHOLE:
            waiter = None if self._is_full_of_requests() else self._shares.take(self._may_have_more)
            if waiter is None:
                return
            if not waiter.granted.done():  # Else its task was cancelled and has not run since
                self._tokens -= 1.0
                self._under_way[waiter.account] += 1
                waiter.granted.set_result(None)
        if self._shares:
            self._wake_at(self._refilled_at + max(1.0 - self._tokens, 0.0) / self._qps)

    def _is_full_of_requests(self) -> bool:
        return self._in_flight is not None and self._under_way.total() >= self._in_flight

    def _may_have_more(self, account: tuple[str, str]) -> bool:
        return self._in_flight_each is None or self._under_way[account] < self._in_flight_each

    def _wake_at(self, when: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(when, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self._grant()

    def _refill(self, now: float) -> None:
        """Add what has come; afterwards ``_refilled_at`` is now, or the end of a pause."""
        if now > self._refilled_at:
            self._tokens = min(self._burst, self._tokens + (now - self._refilled_at) * self._qps)
            self._refilled_at = now
