"""What watches are told: in order and at once, or dropped, doubled and late."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeAlias

from serviceexecution.kube.client import WatchEvent
from tests.support.api_server.changes import Watch
from tests.support.api_server.server import ApiServer

Fate: TypeAlias = Callable[[int], int]
"""Of the nth event: how often it is told. A negative number of rounds is how late it is."""


def _once(_: int) -> int:
    return 1


class News:
    """Between the API server in memory and the watches of controllers."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self.fate: Fate = _once
        self.round = 0
        self.number = 0
        """Events that were to be told so far."""
        self._late: dict[int, deque[tuple[int, WatchEvent]]] = {}

    def subscribe(self, watches: list[Watch]) -> None:
        """Tell these from now on."""
        self._server.changes.watches += watches

    def delay(self, watch: Watch, events: list[WatchEvent], rounds: int) -> None:
        """Tell a watch these in so many rounds, before anything else."""
        self._late[id(watch)] = deque((self.round + rounds, event) for event in events)

    def unsubscribe(self, watches: list[Watch]) -> None:
        """Tell these nothing more."""
        for watch in watches:
            if watch in self._server.changes.watches:
                self._server.changes.watches.remove(watch)
            self._late.pop(id(watch), None)

    def of(self, watch: Watch) -> Iterator[WatchEvent]:
        """Give what a watch is told now. A late event holds up those behind it, as a stream does."""
        late = self._late.setdefault(id(watch), deque())
        while not watch.queue.empty():
            event = watch.queue.get_nowait()
            if isinstance(event, Exception):
                continue
            self.number += 1
            fate = self.fate(self.number)
            ready = self.round + max(0, -fate)
            for _ in range(1 if fate < 0 else fate):
                late.append((ready, event))
        while late and late[0][0] <= self.round:
            yield late.popleft()[1]
