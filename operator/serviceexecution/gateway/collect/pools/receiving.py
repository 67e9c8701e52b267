"""Receives what a program has changed in a data pool that its execution has opened for writing.

Content comes file by file. When all of it is there, it is put together to a state on top of the one that the execution
has recorded, which nobody sees before the output is committed.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.collect.pools.changed_state import ChangedFile, ChangeReader
from serviceexecution.gateway.collect.pools.main_ends import MainEnds
from serviceexecution.gateway.collect.uploads import Body
from serviceexecution.gateway.data_pools.heads import PoolHeads
from serviceexecution.gateway.data_pools.names import checked_name
from serviceexecution.gateway.http.answers.in_thread import in_thread
from serviceexecution.gateway.http.bodies.upload_slots import UploadSlots
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.store.media_types import media_type_of
from serviceexecution.store.pools.changes import Change
from serviceexecution.store.pools.keys import PoolReference, PoolWriter
from serviceexecution.store.pools.pool_store import WrittenBlob
from serviceexecution.store.pools.pool_writes import Brought, BroughtFile
from serviceexecution.store.pools.records import PoolFile, PoolIndex, file_id
from serviceexecution.store.store import ResultStore

UPLOADS: Final = 2
"""Files of one data pool at the same time: the second is for one whose connection broke unnoticed."""
_ROOMS: Final = 4096
_ROOM_SECONDS: Final = 3600.0
_FED_AT_ONCE: Final = 64 * 1024
_TAKEN_AT_ONCE: Final = 200


@dataclass(slots=True)
class _Room:
    """What an attempt has brought for a data pool, what is on its way included."""

    bytes: int
    uploads: int
    running: int = 0


class PoolReceiver:
    """State owner of what attempts have brought, as far as this process knows."""

    def __init__(self, store: ResultStore, heads: PoolHeads, slots: UploadSlots, ends: MainEnds) -> None:
        self._store = store
        self._limits = heads.limits
        self._kept = heads.kept
        self._slots = slots
        self._states = UploadSlots(large=2, small=8, queue_seconds=20.0, what="states")
        self._ends = ends
        self._rooms: ExpiringCache[tuple[PoolReference, PoolWriter], _Room] = ExpiringCache(
            seconds=_ROOM_SECONDS, capacity=_ROOMS
        )

    async def receive(
        self, identity: CollectorIdentity, pool: UsedPool, name: str, body: Body, length: int | None
    ) -> WrittenBlob:
        """Keep the content of a file. Raises Problem 400, 409, 411, 413, 503; StoreError; KubernetesError."""
        identifier = file_id(pool.uid, checked_name(name))
        if length is None:
            raise Problem(HTTPStatus.LENGTH_REQUIRED, "LengthRequired", "Send the file's Content-Length.")
        self._limits.check_file(length)
        await self._ends.check(identity)
        reference, writer = PoolReference(identity.reference.namespace, pool.uid), writer_of(identity)
        room = await self._room(reference, writer)
        self._check_room(room, length)
        self._kept.check(reference.namespace, length)
        room.bytes, room.uploads, room.running = room.bytes + length, room.uploads + 1, room.running + 1
        done = False
        try:
            async with self._slots.turn(reference.namespace, length) as contended:
                blob = await self._store.pools.write_blob(reference, body(contended), expected_size=length)
            self._kept.add(reference.namespace, blob.size)
            brought = BroughtFile(identifier, blob.sha256, blob.size)
            await self._store.pool_writes.add(reference, writer, brought, blob.blob)
            done = True
        finally:
            room.running -= 1
            if not done:
                room.bytes, room.uploads = room.bytes - length, room.uploads - 1
        return blob

    async def put_together(
        self, identity: CollectorIdentity, pool: UsedPool, body: Body, length: int | None
    ) -> PoolIndex:
        """Put what was brought together to a state, and return it: the recorded one when nothing has changed.

        Raises Problem 400, 409 that names a file which has not come, 413, 503; StoreError; KubernetesError.
        """
        await self._ends.check(identity)
        reference, writer = PoolReference(identity.reference.namespace, pool.uid), writer_of(identity)
        async with self._states.turn(reference.namespace, length) as contended:
            changed = await self._read(body(contended))
            brought = await self._store.pool_writes.brought(reference, writer)
            before = await self._store.pools.read_index(reference, pool.index)
            old = await self._old(reference, before, changed.values())
            changes = await in_thread(
                reference.namespace, changes_of, pool.uid, changed, brought, old, datetime.now(UTC)
            )
            planned = await self._store.pools.plan(reference, before, changes)
            if planned.index == before:
                return before
            self._limits.check_pool(before, planned.index, 0)
            await self._store.pool_writes.add_index(reference, writer, str(planned.index.digest))
            await self._store.pools.write_index(reference, planned)
            return planned.index

    async def _room(self, reference: PoolReference, writer: PoolWriter) -> _Room:
        room = self._rooms.get((reference, writer))
        if room is None:
            brought = await self._store.pool_writes.brought(reference, writer)
            # Another call may have listed it meanwhile
            room = self._rooms.get((reference, writer)) or _Room(brought.bytes, brought.uploads)
            self._rooms.put((reference, writer), room)
        return room

    def _check_room(self, room: _Room, length: int) -> None:
        if room.running >= UPLOADS:
            raise unavailable("UploadInProgress", "Other files of this data pool are still on their way.")
        # Twice what a data pool may have: what is sent again counts again
        if room.bytes + length > 2 * self._limits.pool_bytes:
            raise self._limits.pool_too_large()
        if room.uploads >= 2 * self._limits.pool_files:
            raise self._limits.too_many_files()

    async def _read(self, chunks: AsyncIterable[bytes]) -> dict[str, ChangedFile]:
        reader = ChangeReader(2 * self._limits.pool_files)
        async for piece in _pieces(chunks):
            for number, _ in enumerate(reader.feed(piece)):
                if number % _TAKEN_AT_ONCE == 0:
                    await asyncio.sleep(0)
        return reader.end()

    async def _old(
        self, reference: PoolReference, before: PoolIndex, changed: Collection[ChangedFile]
    ) -> list[PoolFile]:
        """Return the files of the recorded state that have the name or the content of a changed one."""
        names, contents = {file.name for file in changed}, {file.sha256 for file in changed}
        return [
            file
            async for batch in self._store.pools.batches(reference, before)
            for file in batch
            if file.name in names or file.sha256 in contents
        ]


def writer_of(identity: CollectorIdentity) -> PoolWriter:
    """Return which attempt a collector belongs to."""
    return PoolWriter(identity.reference.uid, identity.attempt)


def changes_of(
    pool_uid: str,
    changed: Mapping[str, ChangedFile],
    brought: Brought,
    old: Iterable[PoolFile],
    now: datetime,
) -> list[Change]:
    """Return the changes of a state; raises Problem 409 for a file whose content is not there. Pure."""
    files = list(old)
    by_name = {file.name: file for file in files}
    kept = {(file.sha256, file.size): file.blob for file in files}
    changes: list[Change] = []
    for file in changed.values():
        identifier = file_id(pool_uid, file.name)
        if not file.sha256:
            changes.append(Change(identifier))
            continue
        before = by_name.get(file.name)
        if before is not None and (before.sha256, before.size) == (file.sha256, file.size):
            continue
        blob = kept.get((file.sha256, file.size))
        if blob is None:
            blob = brought.blobs.get(BroughtFile(identifier, file.sha256, file.size))
        if blob is None:
            raise Problem(
                HTTPStatus.CONFLICT,
                "FileMismatch",
                f"The content of {file.name} has not come.",
                members={"path": file.name},
            )
        kept[file.sha256, file.size] = blob
        changes.append(
            Change.put(
                PoolFile(
                    name=file.name,
                    id=identifier,
                    sha256=file.sha256,
                    size=file.size,
                    content_type=media_type_of(file.name) if before is None else before.content_type,
                    created_at=now.replace(microsecond=0),
                    blob=blob,
                )
            )
        )
    return changes


async def _pieces(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        for start in range(0, len(chunk), _FED_AT_ONCE):
            yield chunk[start : start + _FED_AT_ONCE]
