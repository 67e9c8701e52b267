"""Credentials that are not known yet are looked at in turns, so that guessing is slow and locks nobody out.

Many people may share one address: an Ingress, the API server's proxy. So an address is never refused for what others
behind it did. It has a few turns at a time; who finds its line full is told to come back, and goes before all who came
for the first time after them. Somebody who guesses has new credentials each time, and so is always the last in line.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway.http.problems import Problem

AT_ONCE: Final = 16
"""Credentials of all addresses that are looked at at the same time: half of the connections to the API server."""
AT_ONCE_PER_ADDRESS: Final = 4
WAITING_PER_ADDRESS: Final = 128
"""A line that is gone within a second while the API server answers in a few milliseconds."""
WAITING: Final = 1024
"""Of all addresses; beyond that the longest line gives up its last for one of a shorter line."""
WAIT_SECONDS: Final = 5.0
"""How long one waits in line before it is told to come back: clients give up soon after."""
COME_BACK_SECONDS: Final = 1
REMEMBERED: Final = 8192
"""How many of those that were sent away are remembered, as digests: so much earlier than others they may have come."""
REMEMBERED_SECONDS: Final = 60.0

ALLOWED_FAILURES: Final = 20
"""Failures in a row of an address before it is answered slowly; more only as they are forgiven."""
MOST_FAILURES: Final = 40
"""More are not counted: a minute after the last one an address is answered as any other."""
FORGIVEN_EVERY: Final = 3.0
"""Seconds after which one failure is forgotten."""
SLOW_SECONDS: Final = 0.5
"""How much later the refusals of such an address are sent. What is good is answered at once."""
SLOWED: Final = 256
"""Refusals that wait at the same time: each holds a request. More are sent at once."""
_ADDRESSES: Final = 10_000
pause = asyncio.sleep


@dataclass(slots=True, eq=False)
class _Waiter:
    digest: bytes
    since: float
    """When it was first seen, although it may have been sent away meanwhile."""
    granted: asyncio.Future[None]


@dataclass(slots=True)
class _Line:
    held: int = 0
    waiting: list[_Waiter] = field(default_factory=list)

    @property
    def youngest(self) -> _Waiter:
        return max(reversed(self.waiting), key=lambda waiter: waiter.since)


class Attempts:
    """State owner of the attempts to authenticate that go on, wait, were sent away, or failed. All of it is bounded."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free = AT_ONCE
        self._waiting = 0
        self._lines: OrderedDict[str, _Line] = OrderedDict()
        """By address; the one that had a turn last stands last."""
        self._sent_away: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        """By digest: when it was first seen, and when last."""
        self._failures: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._slowed = 0

    @contextlib.asynccontextmanager
    async def turn(self, address: str, digest: bytes) -> AsyncGenerator[None, None]:
        """Hold a turn of the address to look at the credential; raises Problem 429 when it has to come back."""
        await self._acquire(address, digest)
        self._sent_away.pop(digest, None)
        try:
            yield
        finally:
            self._release(address)

    async def failed(self, address: str) -> None:
        """Count a failure. Returns late for an address that fails often; said outside of a turn."""
        now = self._clock()
        count = min(MOST_FAILURES, self._count(address, now) + 1)
        self._failures[address] = (count, now)
        self._failures.move_to_end(address)
        while len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)
        if count <= ALLOWED_FAILURES or self._slowed >= SLOWED:
            return
        self._slowed += 1
        try:
            await pause(SLOW_SECONDS)
        finally:
            self._slowed -= 1

    def _count(self, address: str, now: float) -> float:
        count, when = self._failures.get(address, (0.0, now))
        return max(0.0, count - (now - when) / FORGIVEN_EVERY)

    async def _acquire(self, address: str, digest: bytes) -> None:
        line = self._lines.setdefault(address, _Line())
        waiter = _Waiter(digest, self._since(digest), asyncio.get_running_loop().create_future())
        line.waiting.append(waiter)
        self._waiting += 1
        self._grant()
        self._shorten(line)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await waiter.granted
        except BaseException as error:
            if waiter.granted.done() and not waiter.granted.cancelled() and not waiter.granted.exception():
                self._release(address)  # It came in the same moment
            elif waiter in line.waiting:
                self._remove(line, waiter)
            self._tidy(address)
            if isinstance(error, TimeoutError):
                self._remember(waiter)
                raise come_back() from None
            raise

    def _shorten(self, line: _Line) -> None:
        """Send one away, the one that was seen last, when too many wait in this line or in all."""
        shortened = line
        if len(line.waiting) <= WAITING_PER_ADDRESS:
            if self._waiting <= WAITING:
                return
            lines = (other for other in reversed(self._lines.values()) if other.waiting)
            shortened = max(lines, key=lambda other: (len(other.waiting), other.youngest.since))
        last = shortened.youngest
        self._remove(shortened, last)
        self._remember(last)
        if not last.granted.done():  # Its task was cancelled and has not run since
            last.granted.set_exception(come_back())

    def _remove(self, line: _Line, waiter: _Waiter) -> None:
        line.waiting.remove(waiter)
        self._waiting -= 1

    def _release(self, address: str) -> None:
        self._free += 1
        self._lines[address].held -= 1
        self._grant()
        self._tidy(address)

    def _tidy(self, address: str) -> None:
        line = self._lines.get(address)
        if line is not None and not line.held and not line.waiting:
            del self._lines[address]

    def _grant(self) -> None:
        while self._free:
            address = next(
                (
                    address
                    for address, line in self._lines.items()
                    if line.waiting and line.held < AT_ONCE_PER_ADDRESS
                ),
                None,
            )
            if address is None:
                return
            line = self._lines[address]
            first = min(line.waiting, key=lambda waiter: waiter.since)
            self._remove(line, first)
            self._lines.move_to_end(address)
            if first.granted.done():  # Its task was cancelled and has not run since
                continue
            self._free -= 1
            line.held += 1
            first.granted.set_result(None)

    def _since(self, digest: bytes) -> float:
        now = self._clock()
        since, last = self._sent_away.get(digest, (now, now))
        return since if now - last < REMEMBERED_SECONDS else now

    def _remember(self, waiter: _Waiter) -> None:
        self._sent_away[waiter.digest] = (waiter.since, self._clock())
        self._sent_away.move_to_end(waiter.digest)
        while len(self._sent_away) > REMEMBERED:
            self._sent_away.popitem(last=False)


def come_back() -> Problem:
    """Return the 429 of one whose line is full."""
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "TooManyAttempts",
        "Too many credentials that are not known here came from your address at once;"
        f" send the same again in {COME_BACK_SECONDS} second: who comes back goes first.",
        headers={"Retry-After": str(COME_BACK_SECONDS)},
    )
