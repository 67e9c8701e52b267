"""How much each service has used in each month, in records that outlive the executions.

An execution that has ended leaves one small object whose name says all: `<uid>.F.5040.300` is a failure that has used
5,040 ms of CPU time and 300 MiB seconds of memory. A list counts, and an execution that is noted again is noted once.
The sweep folds objects that are old enough into the month's sum, which names those that it took last: a sweep that was
killed in between counts none of them twice.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from serviceexecution.store.keys import USAGE, check_segment
from serviceexecution.store.record_files import RecordFiles
from serviceexecution.store.records import UsageSum
from serviceexecution.store.storage.objects import Objects

FOLDED_AFTER: Final = timedelta(hours=6)
"""After which nobody notes an execution again: its end was written a moment later."""
FOLDED_AT_ONCE: Final = 1000
"""Executions that a sum names as the last."""
_TAKEN_AT_ONCE: Final = 10 * FOLDED_AT_ONCE
"""Executions that are taken from one list."""
MOST_COUNTED: Final = 50_000
"""Objects of a month that are counted for a request; the rest counts once it is folded."""
KEPT_MONTHS: Final = 24
_NAME: Final = re.compile(
    r"(?P<uid>[0-9A-Za-z-]{1,64})\.(?P<outcome>[SFC])\.(?P<cpu>\d{1,16})\.(?P<memory>\d{1,16})"
)
_MONTH: Final = re.compile(r"\d{4}-\d{2}")
_SUM: Final = "sum.json"
_TRIES: Final = 3
_MOST: Final = 10**15


@dataclass(frozen=True, slots=True)
class UsageNote:
    """What one execution has used."""

    uid: str
    outcome: str
    """S, F or C: succeeded, failed, cancelled."""
    cpu_milliseconds: int
    mebibyte_seconds: int


@dataclass(frozen=True, slots=True)
class MonthlyUsage:
    """A month's sums."""

    month: str
    executions: int = 0
    failures: int = 0
    cancelled: int = 0
    cpu_milliseconds: int = 0
    mebibyte_seconds: int = 0
    partial: bool = False
    """There is more than could be counted now."""


class UsageSums:
    """The sums of services. All methods raise StoreError."""

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._records = RecordFiles(objects)
        self._root = f"{cluster_id}/{USAGE}"

    async def note(self, namespace: str, service: str, ended: datetime, note: UsageNote) -> None:
        """Count an execution of the service that has ended; noting it again changes nothing."""
        cpu, memory = (
            min(max(0, number), _MOST) for number in (note.cpu_milliseconds, note.mebibyte_seconds)
        )
        place = f"{self._place(namespace, service)}/{month_of(ended)}"
        name = f"{check_segment(note.uid, 'uid')}.{note.outcome}.{cpu}.{memory}"
        await self._objects.put(f"{place}/{name}", b"")

    async def months(self, namespace: str, service: str) -> tuple[str, ...]:
        """Return the months of which there is anything, oldest first."""
        prefixes = await self._objects.list_prefixes(self._place(namespace, service))
        return tuple(sorted(month for month in prefixes if _MONTH.fullmatch(month)))

    async def month(self, namespace: str, service: str, month: str) -> MonthlyUsage:
        """Return the sums of a month such as 2026-11."""
        place = f"{self._place(namespace, service)}/{month}"
        total = await self._sum(place)
        for _ in range(_TRIES):
            before, (notes, partial) = total, await self._notes(place)
            total = await self._sum(place)
            if total == before:  # Nothing was folded meanwhile
                break
        folded = frozenset(total.folded)
        total = added(total, (note for uid, note in notes.items() if uid not in folded))
        return MonthlyUsage(
            month,
            total.executions,
            total.failures,
            total.cancelled,
            total.cpu_milliseconds,
            total.mebibyte_seconds,
            partial,
        )

    async def _sum(self, place: str) -> UsageSum:
        return await self._records.read(f"{place}/{_SUM}", UsageSum) or UsageSum()

    async def _notes(self, place: str) -> tuple[dict[str, UsageNote], bool]:
        """Return what is not folded by uid, and whether there is more."""
        notes: dict[str, UsageNote] = {}
        async for batch in self._objects.list_batches(place):
            notes |= {note.uid: note for name, _ in batch if (note := _read(name)) is not None}
            if len(notes) > MOST_COUNTED:
                return notes, True
        return notes, False

    async def services(self) -> list[tuple[str, str]]:
        """Return namespace and name of every service of which there is anything."""
        found: list[tuple[str, str]] = []
        for namespace in await self._objects.list_prefixes(self._root):
            names = await self._objects.list_prefixes(f"{self._root}/{namespace}")
            found += [(namespace, name) for name in names]
        return found

    async def fold(self, namespace: str, service: str, month: str, now: datetime) -> int:
        """Fold old objects of a month into its sum and return how many; 0 when there are none.

        One list serves many steps, each of which names what it took.
        """
        place = f"{self._place(namespace, service)}/{month}"
        total = await self._sum(place)
        folded = frozenset(total.folded)
        taken: dict[str, tuple[UsageNote, list[str]]] = {}
        again: list[str] = []
        async for batch in self._objects.list_batches(place):
            for name, stored in batch:
                note = _read(name)
                if note is None:
                    continue
                if note.uid in folded:
                    again.append(f"{place}/{name}")  # Its deletion was cut short
                elif note.uid in taken or (
                    stored.modified_at <= now - FOLDED_AFTER and len(taken) < _TAKEN_AT_ONCE
                ):
                    taken.setdefault(note.uid, (note, []))[1].append(f"{place}/{name}")
        # Before the next ones are named in their place
        await self._objects.delete(again)
        uids = sorted(taken)
        for start in range(0, len(uids), FOLDED_AT_ONCE):
            some = tuple(uids[start : start + FOLDED_AT_ONCE])
            total = added(total, (taken[uid][0] for uid in some), folded=some)
            await self._records.write(f"{place}/{_SUM}", total)
            await self._objects.delete([name for uid in some for name in taken[uid][1]])
        return len(taken)

    async def forget(self, namespace: str, service: str, month: str) -> None:
        """Delete a month."""
        place = f"{self._place(namespace, service)}/{month}"
        names: Mapping[str, object] = await self._objects.list(place)
        await self._objects.delete([f"{place}/{name}" for name in names])

    def _place(self, namespace: str, service: str) -> str:
        return f"{self._root}/{check_segment(namespace, 'namespace')}/{check_segment(service, 'service')}"


def month_of(time: datetime) -> str:
    """Return the month of a time, such as 2026-11."""
    return time.strftime("%Y-%m")


def added(total: UsageSum, notes: Iterable[UsageNote], *, folded: tuple[str, ...] | None = None) -> UsageSum:
    """Return the sum with these counted, and with the names of those that it took last. Pure."""
    many = list(notes)
    return UsageSum(
        executions=total.executions + len(many),
        failures=total.failures + sum(note.outcome == "F" for note in many),
        cancelled=total.cancelled + sum(note.outcome == "C" for note in many),
        cpu_milliseconds=total.cpu_milliseconds + sum(note.cpu_milliseconds for note in many),
        mebibyte_seconds=total.mebibyte_seconds + sum(note.mebibyte_seconds for note in many),
        folded=total.folded if folded is None else folded,
    )


async def fold_usage(sums: UsageSums, now: datetime, *, namespaces: tuple[str, ...] = ()) -> int:
    """Fold all that is old enough, forget months that are too old, and return how many were folded."""
    oldest = month_of((now.replace(day=1) - timedelta(days=31 * KEPT_MONTHS)).replace(day=1))
    done = 0
    for namespace, service in await sums.services():
        if namespaces and namespace not in namespaces:
            continue
        for month in await sums.months(namespace, service):
            if month < oldest:
                await sums.forget(namespace, service, month)
                continue
            while folded := await sums.fold(namespace, service, month, now):
                done += folded
    return done


def _read(name: str) -> UsageNote | None:
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return UsageNote(found["uid"], found["outcome"], int(found["cpu"]), int(found["memory"]))
