"""Notes about executions: since when one is gone, until when its results are kept, what could not be delivered."""

from datetime import datetime
from typing import TypeVar

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import CorruptRecordError
from serviceexecution.store.keys import EXPIRIES, TOMBSTONES, ExecutionKeys, check_segment
from serviceexecution.store.record_files import RecordFiles
from serviceexecution.store.records import Expiry, Record, Tombstone
from serviceexecution.store.storage.objects import Objects

_R = TypeVar("_R", bound=Record)


class NoteStore:
    """The notes. All methods raise StoreError."""

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._cluster_id = cluster_id
        self._records = RecordFiles(objects)

    async def write_tombstone(self, namespace: str, uid: str, marked_at: datetime) -> None:
        """Note that an execution was found to be gone from the cluster."""
        await self._records.write(self._key(TOMBSTONES, namespace, uid), Tombstone(marked_at=marked_at))

    async def delete_tombstone(self, namespace: str, uid: str) -> None:
        """Forget that note."""
        await self._objects.delete([self._key(TOMBSTONES, namespace, uid)])

    async def list_tombstones(self) -> dict[tuple[str, str], datetime]:
        """Return by namespace and uid since when executions are known to be gone."""
        found = await self._list(TOMBSTONES, Tombstone)
        return {execution: note.marked_at for execution, note in found.items()}

    async def write_expiry(self, namespace: str, uid: str, expires_at: datetime) -> None:
        """Note until when an execution's log and output are kept."""
        await self._records.write(self._key(EXPIRIES, namespace, uid), Expiry(expires_at=expires_at))

    async def delete_expiry(self, namespace: str, uid: str) -> None:
        """Forget that note."""
        await self._objects.delete([self._key(EXPIRIES, namespace, uid)])

    async def read_expiry(self, namespace: str, uid: str) -> datetime | None:
        """Return until when log and output are kept, None when nothing was said."""
        note = await self._records.read(self._key(EXPIRIES, namespace, uid), Expiry)
        return None if note is None else note.expires_at

    async def list_expiries(self) -> dict[tuple[str, str], datetime]:
        """Return by namespace and uid until when log and output are kept, where something was said."""
        found = await self._list(EXPIRIES, Expiry)
        return {execution: note.expires_at for execution, note in found.items()}

    async def write_dead_letter(self, reference: ExecutionReference, event: bytes) -> None:
        """Keep the callback's event that could not be delivered, beside the results; it goes with them."""
        await self._objects.put(self._dead_letter(reference), event)

    async def read_dead_letter(self, reference: ExecutionReference) -> bytes | None:
        """Return the callback's event that could not be delivered, None when there is none."""
        return await self._objects.get(self._dead_letter(reference))

    async def _list(self, kind: str, record: type[_R]) -> dict[tuple[str, str], _R]:
        found: dict[tuple[str, str], _R] = {}
        for name in await self._objects.list(f"{self._cluster_id}/{kind}"):
            namespace, _, uid = name.partition("/")
            try:
                note = await self._records.read(self._key(kind, namespace, uid), record)
            except CorruptRecordError:  # As if there were none: it is written anew, and the time starts again
                continue
            if note is not None:
                found[namespace, uid] = note
        return found

    def _key(self, kind: str, namespace: str, uid: str) -> str:
        place = f"{check_segment(namespace, 'namespace')}/{check_segment(uid, 'uid')}"
        return f"{self._cluster_id}/{kind}/{place}"

    def _dead_letter(self, reference: ExecutionReference) -> str:
        return ExecutionKeys.of(self._cluster_id, reference).dead_letter
