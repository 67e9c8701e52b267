"""Watches: what changed, and who is told."""

import asyncio
import copy
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import WatchEvent
from serviceexecution.kube.errors import GoneError
from tests.support.api_server.bodies import metadata_of
from tests.support.api_server.selectors import is_selected

REMEMBERED: Final = 100
"""Changes from which a watch can still start; older ones are gone, as on a real API server after some minutes."""
BOOKMARK_SECONDS: Final = 2
"""So long before a watch ends, it says how far it is."""


@dataclass(frozen=True, slots=True)
class Change:
    """One version of one object, and what it was before."""

    version: int
    plural: str
    namespace: str | None
    before: JsonObject | None
    after: JsonObject | None
    """None: it was deleted."""


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """An open watch and what it is told of."""

    plural: str
    namespace: str | None
    labels: str | None
    fields: str | None
    queue: "asyncio.Queue[WatchEvent | Exception]" = field(default_factory=asyncio.Queue)

    def event(self, change: Change) -> WatchEvent | None:
        """Return what this watch says of a change: an object that leaves its selectors is deleted for it."""
        if change.plural != self.plural or self.namespace not in {None, change.namespace}:
            return None
        was, is_ = self._has(change.before), self._has(change.after)
        if not was and not is_:
            return None
        body = copy.deepcopy(change.after if change.after is not None else change.before)
        assert body is not None
        metadata_of(body)["resourceVersion"] = str(change.version)
        return WatchEvent({(True, True): "MODIFIED", (False, True): "ADDED"}.get((was, is_), "DELETED"), body)

    def _has(self, body: JsonObject | None) -> bool:
        return body is not None and is_selected(body, self.labels, self.fields)


class Changes:
    """The newest changes, and the open watches."""

    def __init__(self, version: int) -> None:
        self.watches: list[Watch] = []
        self.oldest = version
        """Changes up to this version are forgotten."""
        self.version = version
        self._newest: deque[Change] = deque()

    def add(self, change: Change) -> None:
        """Remember a change and tell those who watch."""
        self.version = change.version
        self._newest.append(change)
        while len(self._newest) > REMEMBERED:
            self.oldest = self._newest.popleft().version
        for watch in self.watches:
            event = watch.event(change)
            if event is not None:
                watch.queue.put_nowait(event)

    def forget(self, version: int) -> None:
        """Forget what happened until now, as a compaction does."""
        self._newest.clear()
        self.oldest = version

    def break_off(self, error: Exception) -> None:
        """End all watches with an error."""
        for watch in self.watches:
            watch.queue.put_nowait(error)

    async def follow(
        self, watch: Watch, since: str | None, existing: list[JsonObject], seconds: float
    ) -> AsyncGenerator[WatchEvent, None]:
        """Give the events of a watch, from ``since`` on or with what exists; it ends after ``seconds``."""
        for missed in self._first(watch, since, existing):
            watch.queue.put_nowait(missed)
        self.watches.append(watch)
        end = asyncio.get_running_loop().time() + seconds
        try:
            while (event := await _next(watch, end - BOOKMARK_SECONDS)) is not None:
                yield event
            if seconds > BOOKMARK_SECONDS:
                yield WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": str(self.version)}})
            while (event := await _next(watch, end)) is not None:
                yield event
        finally:
            self.watches.remove(watch)

    def _first(self, watch: Watch, since: str | None, existing: list[JsonObject]) -> list[WatchEvent]:
        if since is None:
            return [WatchEvent("ADDED", body) for body in existing]
        if int(since) < self.oldest:
            raise GoneError(
                f"too old resource version: {since} ({self.oldest})", status=410, reason="Expired"
            )
        events = [watch.event(change) for change in self._newest if change.version > int(since)]
        return [event for event in events if event is not None]


async def _next(watch: Watch, end: float) -> WatchEvent | None:
    try:
        async with asyncio.timeout_at(end):
            event = await watch.queue.get()
    except TimeoutError:
        return None
    if isinstance(event, Exception):
        raise event
    return event
