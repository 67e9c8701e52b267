"""Who waits for a service, who holds a place of it, and how long its last runs took. Pure: the watch is elsewhere."""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.resources.executions.execution_status import Phase

KEPT_RUNS: Final = 30
"""The last runs of a service that estimates are made from."""
KEPT_SERVICES: Final = 2000
"""Services whose last runs are remembered: some 6 KiB each. Beyond it the one goes that has not run for longest."""
_ServiceKey = tuple[str, str]
_Entry = tuple[datetime, str]
_NOT_YET: Final = datetime.max.replace(tzinfo=UTC)
"""Since when one runs that has not begun: later than all others."""
_QUEUED: Final = "Queued"
_QUOTA: Final = "QuotaExceeded"


@dataclass(frozen=True, slots=True, order=True)
class PastRun:
    """One run that has ended."""

    ended: datetime
    uid: str
    seconds: float = field(compare=False)
    """How long it ran."""
    waited: float = field(compare=False)
    """From its creation to its start."""


class Queues:
    """State owner of what is known of the queues of all services."""

    def __init__(self) -> None:
        self._waiting: dict[_ServiceKey, list[_Entry]] = {}
        """Those that wait for one of the service's places, the oldest first: in this order they are let in."""
        self._holding: dict[_ServiceKey, list[_Entry]] = {}
        """Those that hold a place, by when they began to run and uid."""
        self._past: OrderedDict[_ServiceKey, list[PastRun]] = OrderedDict()

    def add(self, execution: KnownExecution) -> None:
        """Take an execution as it is now."""
        if execution.has_ended:
            self._remember(_key(execution), execution)
        place = self._place_of(execution)
        if place is not None:
            lists, entry = place
            insort(lists.setdefault(_key(execution), []), entry)

    def remove(self, execution: KnownExecution) -> None:
        """Forget an execution as it was; how long it ran is remembered."""
        place = self._place_of(execution)
        if place is not None:
            lists, entry = place
            entries = lists[_key(execution)]
            del entries[bisect_left(entries, entry)]
            if not entries:
                del lists[_key(execution)]

    def position(self, execution: KnownExecution) -> int:
        """Return the place of one that waits, 1 for the next that is let in."""
        return bisect_left(self._waiting.get(_key(execution), []), execution.order) + 1

    def running(self, execution: KnownExecution) -> Sequence[_Entry]:
        """Return since when those run that hold the service's places, the longest first, each with its uid."""
        return self._holding.get(_key(execution), [])

    def past_runs(self, execution: KnownExecution) -> list[PastRun]:
        """Return the service's last runs."""
        return self._past.get(_key(execution), [])

    def _place_of(self, execution: KnownExecution) -> tuple[dict[_ServiceKey, list[_Entry]], _Entry] | None:
        """Return the lists of those like it, and what stands for it there; None for one that has no part in a queue."""
        if waits_for_a_place(execution):
            return self._waiting, execution.order
        if execution.has_ended or execution.service_uid is None:
            return None
        return self._holding, (execution.start_time or _NOT_YET, execution.uid)

    def _remember(self, key: _ServiceKey, execution: KnownExecution) -> None:
        start, end = execution.start_time, execution.completion_time
        if start is None or end is None or execution.phase is Phase.CANCELLED:
            return
        run = PastRun(
            end,
            execution.uid,
            max(0.0, (end - start).total_seconds()),
            max(0.0, (start - execution.created).total_seconds()),
        )
        runs = self._past.setdefault(key, [])
        self._past.move_to_end(key)
        place = bisect_left(runs, run)
        if place == len(runs) or runs[place] != run:
            runs.insert(place, run)
        del runs[:-KEPT_RUNS]
        if len(self._past) > KEPT_SERVICES:
            self._past.popitem(last=False)


def waits_for_a_place(execution: KnownExecution) -> bool:
    """Tell whether it waits for others of its service to end, or has not been looked at yet."""
    return not execution.has_ended and execution.service_uid is None and execution.reason in {None, _QUEUED}


def waits_for(execution: KnownExecution) -> str | None:
    """Return what an execution waits for that others have, None when it waits for nothing of the kind."""
    if execution.has_ended or execution.phase is Phase.RUNNING:
        return None
    if execution.reason == _QUOTA:
        return "quota"
    if execution.reason != _QUEUED:
        return None
    return "concurrency" if execution.service_uid is None else "queue"


def _key(execution: KnownExecution) -> _ServiceKey:
    return execution.namespace, execution.service
