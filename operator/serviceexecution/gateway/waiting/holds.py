"""Requests that are held until an execution changes: how many at once, and who makes room.

A held request costs its connection, its task and a listener: nothing looks again and again. It is answered as it is
when its time is over, when its place goes to another or when the process ends. That is no error, so that nobody is
refused for want of a place.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from serviceexecution.fairness.payers import current_payer
from serviceexecution.gateway.http.gone import HELD, Held
from serviceexecution.gateway.state.changes import Change, Changes
from serviceexecution.gateway.state.known_execution import KnownExecution

PER_PROCESS: Final = 2000
"""Requests that are held at once; a connection of each is one of those that the server may have."""

LARGEST_HEAD: Final = 16_384
"""Bytes of memory that the head of a held request may take: it stays as long as the request is held."""
_HEADER: Final = 128
"""Bytes that Python takes for a header beside its texts, about: a head of 64 KiB may have 13,000 headers."""

Look = Callable[[], float | None]
"""Tells how many more seconds a request is to be held at most: 0 when it need not be, None as long as it may."""


@dataclass(slots=True, eq=False)
class _Hold:
    """One held request."""

    namespace: str
    account: str
    ended: asyncio.Future[None]
    ends_at: float = math.inf
    """When it ends at last, by the clock of the event loop."""
    timer: asyncio.TimerHandle | None = None

    def end(self) -> None:
        """Have it answered."""
        if not self.ended.done():
            self.ended.set_result(None)

    def end_in(self, seconds: float) -> None:
        """Have it answered in so many seconds, unless it ends before."""
        loop = self.ended.get_loop()
        at = loop.time() + seconds
        if seconds <= 0:
            self.end()
        elif at < self.ends_at:
            self.forget_time()
            self.ends_at, self.timer = at, loop.call_at(at, self.end)

    def forget_time(self) -> None:
        """Let it end by itself no more."""
        if self.timer is not None:
            self.timer.cancel()


class Holds:
    """State owner of the held requests of this process."""

    def __init__(self, changes: Changes, draining: asyncio.Event, most: int = PER_PROCESS) -> None:
        self._changes = changes
        self._draining = draining
        self._most = most
        self._count = 0
        self._held: dict[str, dict[str, dict[_Hold, None]]] = {}
        """By namespace and account, the oldest first."""
        self._drain: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Return how many are held."""
        return self._count

    async def hold(self, request: Request, execution: KnownExecution, look: Look, seconds: float) -> bool:
        """Hold a request until ``look``, which is asked at each change of the execution, says that it need not be.

        At most for ``seconds``. Returns False when there is no place for it, or its head is too large to be kept.
        Raises ClientDisconnect.
        """
        account = current_payer().name
        if self._draining.is_set() or _head_memory(request) > LARGEST_HEAD:
            return False
        if not self._makes_room(execution.namespace, account):
            return False
        hold = _Hold(execution.namespace, account, asyncio.get_running_loop().create_future())

        def on_change(change: Change | None = None) -> None:
            more = 0 if change is not None and change.removed else look()
            if more is not None:
                hold.end_in(more)

        with (
            self._place(hold),
            _told_to_the_connection(request, hold),
            self._changes.of_execution(execution.uid, on_change),
        ):
            on_change()  # What has happened since it was read
            hold.end_in(seconds)
            if not hold.ended.done() and await _is_gone(request, hold):
                raise ClientDisconnect
        return True

    def _makes_room(self, namespace: str, account: str) -> bool:
        """Tell whether there is a place, which whoever holds most gives up for those who hold less."""
        if self._count < self._most:
            return True
        own = self._held.get(namespace, {})
        largest = max(self._held, key=self._size)
        if self._size(largest) > self._size(namespace) + 1:
            own, mine = self._held[largest], 0
        else:
            mine = len(own.get(account, ()))
        most = max(own.values(), key=len, default=None)
        if most is None or len(most) <= mine + 1:
            return False
        leaving = next(reversed(most))
        leaving.end()
        self._forget(leaving)
        return True

    def _size(self, namespace: str) -> int:
        return sum(map(len, self._held.get(namespace, {}).values()))

    @contextlib.contextmanager
    def _place(self, hold: _Hold) -> Iterator[None]:
        self._held.setdefault(hold.namespace, {}).setdefault(hold.account, {})[hold] = None
        self._count += 1
        if self._drain is None:
            self._drain = asyncio.create_task(self._end_all())
        try:
            yield
        finally:
            hold.forget_time()
            self._forget(hold)
            if not self._count and self._drain is not None:
                self._drain.cancel()
                self._drain = None

    def _forget(self, hold: _Hold) -> None:
        accounts = self._held.get(hold.namespace, {})
        holds = accounts.get(hold.account, {})
        if hold not in holds:
            return
        del holds[hold]
        self._count -= 1
        if not holds:
            del accounts[hold.account]
        if not accounts:
            del self._held[hold.namespace]

    async def _end_all(self) -> None:
        """End all when the process is about to end: one task for all of them."""
        await self._draining.wait()
        for accounts in tuple(self._held.values()):
            for holds in tuple(accounts.values()):
                for hold in tuple(holds):
                    hold.end()


def _head_memory(request: Request) -> int:
    """Return about how many bytes of memory the request's path, query and headers take."""
    scope = request.scope
    line = len(scope["path"]) + len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return line + sum(len(name) + len(value) + _HEADER for name, value in scope["headers"])


@contextlib.contextmanager
def _told_to_the_connection(request: Request, hold: _Hold) -> Iterator[None]:
    """Let the connection make room for others meanwhile."""
    held: Held = request.scope.get("extensions", {}).get(HELD, lambda _: None)
    held(hold.end)
    try:
        yield
    finally:
        held(None)


async def _is_gone(request: Request, hold: _Hold) -> bool:
    """Wait until the hold ends; tell whether it has because the client is gone."""
    gone = asyncio.ensure_future(_disconnect(request))
    gone.add_done_callback(lambda _: hold.end())
    try:
        await hold.ended
        return gone.done()
    finally:
        gone.cancel()


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
