"""Notes about executions: since when one is gone, until when its results are kept, what could not be delivered.

The sweep reads notes by the tens of thousands. What it must know of one therefore stands in the note's name, and a
list says it: `<uid>.20261123T120000Z` is a time, and `.seen` after it says that the deletion was seen. Notes that an
earlier version wrote have the uid as their name and the time inside.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import CorruptRecordError
from serviceexecution.store.keys import EXPIRIES, TOMBSTONES, ExecutionKeys, check_segment
from serviceexecution.store.record_files import RecordFiles
from serviceexecution.store.records import Expiry, Record, Tombstone
from serviceexecution.store.storage.objects import Objects

_R = TypeVar("_R", bound=Record)

Execution = tuple[str, str]
"""Namespace and uid."""

_TIMES: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(r"(?P<uid>.+)\.(?P<time>\d{8}T\d{6}Z)(?P<seen>\.seen)?")


@dataclass(frozen=True, slots=True)
class Mark:
    """That an execution is gone from the cluster."""

    marked_at: datetime
    seen: bool = False
    """Its deletion was seen: it is not merely missing."""


@dataclass(frozen=True, slots=True)
class _Name:
    """The name of a note; ``time`` is None in one of an earlier version."""

    namespace: str
    uid: str
    time: datetime | None
    seen: bool


class NoteStore:
    """The notes. All methods raise StoreError."""

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._cluster_id = cluster_id
        self._records = RecordFiles(objects)

    async def write_tombstone(
        self, namespace: str, uid: str, marked_at: datetime, *, seen: bool = False
    ) -> None:
        """Note that an execution is gone from the cluster; ``seen`` says that its deletion was seen."""
        key = self._key(TOMBSTONES, namespace, f"{uid}.{_stamp(marked_at)}{'.seen' if seen else ''}")
        await self._records.write(key, Tombstone(marked_at=marked_at))

    async def delete_tombstones(self, executions: Collection[Execution]) -> None:
        """Forget that these are gone."""
        await self._delete(TOMBSTONES, executions)

    async def list_tombstones(self) -> dict[Execution, Mark]:
        """Return what is noted of executions that are gone: since when, and whether their deletion was seen."""
        found: dict[Execution, Mark] = {}
        for name in await self._names(TOMBSTONES):
            execution, marked_at = (name.namespace, name.uid), name.time
            if marked_at is None:
                note = await self._read(TOMBSTONES, execution, Tombstone)
                if note is None:  # As if there were none: it is written anew, and the time starts again
                    continue
                marked_at = note.marked_at
            before = found.get(execution)
            if before is None:
                found[execution] = Mark(marked_at, name.seen)
            else:
                found[execution] = Mark(min(before.marked_at, marked_at), before.seen or name.seen)
        return found

    async def write_expiry(self, namespace: str, uid: str, expires_at: datetime) -> None:
        """Note until when an execution's log and output are kept: once to be read, and once to be listed."""
        note = Expiry(expires_at=expires_at)
        await self._records.write(self._key(EXPIRIES, namespace, uid), note)
        await self._records.write(self._key(EXPIRIES, namespace, f"{uid}.{_stamp(expires_at)}"), note)

    async def delete_expiries(self, executions: Collection[Execution]) -> None:
        """Forget until when these are kept."""
        await self._delete(EXPIRIES, executions)

    async def read_expiry(self, namespace: str, uid: str) -> datetime | None:
        """Return until when log and output are kept, None when nothing was said."""
        note = await self._records.read(self._key(EXPIRIES, namespace, uid), Expiry)
        return None if note is None else note.expires_at

    async def list_expiries(self) -> dict[Execution, datetime]:
        """Return by namespace and uid until when log and output are kept, where something was said."""
        found: dict[Execution, datetime] = {}
        unlisted: list[Execution] = []
        for name in await self._names(EXPIRIES):
            execution = (name.namespace, name.uid)
            if name.time is None:
                unlisted.append(execution)
            else:
                found[execution] = max(name.time, found.get(execution, name.time))
        for execution in unlisted:
            if execution not in found and (note := await self._read(EXPIRIES, execution, Expiry)) is not None:
                found[execution] = note.expires_at
        return found

    async def write_dead_letter(self, reference: ExecutionReference, event: bytes) -> None:
        """Keep the callback's event that could not be delivered, beside the results; it goes with them."""
        await self._objects.put(self._dead_letter(reference), event)

    async def read_dead_letter(self, reference: ExecutionReference) -> bytes | None:
        """Return the callback's event that could not be delivered, None when there is none."""
        return await self._objects.get(self._dead_letter(reference))

    async def _names(self, kind: str) -> list[_Name]:
        return [_read_name(name) for name in await self._objects.list(f"{self._cluster_id}/{kind}")]

    async def _read(self, kind: str, execution: Execution, record: type[_R]) -> _R | None:
        try:
            return await self._records.read(self._key(kind, *execution), record)
        except CorruptRecordError:
            return None

    async def _delete(self, kind: str, executions: Collection[Execution]) -> None:
        if not executions:
            return
        wanted = frozenset(executions)
        root = f"{self._cluster_id}/{kind}"
        names = [(name, _read_name(name)) for name in await self._objects.list(root)]
        await self._objects.delete(
            [f"{root}/{name}" for name, read in names if (read.namespace, read.uid) in wanted]
        )

    def _key(self, kind: str, namespace: str, uid: str) -> str:
        place = f"{check_segment(namespace, 'namespace')}/{check_segment(uid, 'uid')}"
        return f"{self._cluster_id}/{kind}/{place}"

    def _dead_letter(self, reference: ExecutionReference) -> str:
        return ExecutionKeys.of(self._cluster_id, reference).dead_letter


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime(_TIMES)


def _read_name(name: str) -> _Name:
    namespace, _, rest = name.partition("/")
    found = _NAME.fullmatch(rest)
    if found is None:
        return _Name(namespace, rest, None, seen=False)
    time = datetime.strptime(found["time"], _TIMES).replace(tzinfo=UTC)
    return _Name(namespace, found["uid"], time, seen=found["seen"] is not None)
