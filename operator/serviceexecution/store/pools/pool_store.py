"""Reads and writes content and indexes of data pools."""

import asyncio
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Collection
from dataclasses import dataclass
from typing import Final, TypeVar

from serviceexecution.fairness.work import SMALL_BYTES, THREADS
from serviceexecution.store.errors import CorruptRecordError
from serviceexecution.store.pools.changes import Change, NextIndex, next_index, shards_touched
from serviceexecution.store.pools.keys import BLOBS, PoolKeys, PoolReference, pools_of
from serviceexecution.store.pools.records import (
    IndexRoot,
    PoolFile,
    PoolIndex,
    Shard,
    decoded,
    shard_of,
)
from serviceexecution.store.records import Record
from serviceexecution.store.storage.objects import Objects, ObjectStream
from serviceexecution.store.storage.streams import write_stream

_Part = TypeVar("_Part", Shard, IndexRoot)
_SHARDS_AT_ONCE: Final = 16
_FEW_CHANGES: Final = 200
"""What is changed at once beside the event loop is more: a program may have changed all files."""


@dataclass(frozen=True, slots=True)
class WrittenBlob:
    """Content that no index names yet: where it is, its SHA-256 in hexadecimal digits, and its bytes."""

    blob: str
    sha256: str
    size: int


class ContentNote(Record):
    """Which file had some content last: a hint, which counts only when the pool's index says the same."""

    file_id: str


class PoolStore:
    """Content and indexes of data pools. All methods raise StoreError; a damaged index is a CorruptRecordError."""

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._cluster_id = cluster_id

    async def write_blob(
        self, pool: PoolReference, chunks: AsyncIterable[bytes], *, expected_size: int = 0
    ) -> WrittenBlob:
        """Keep content, streaming; its SHA-256 is computed as it comes. Nothing is kept when ``chunks`` raises.

        ``expected_size`` in bytes is a hint. Nobody sees the content before an index names it.
        """
        blob = uuid.uuid4().hex
        key = self._keys(pool).blob(blob)
        written = await write_stream(self._objects, key, chunks, expected_size=expected_size)
        await self._objects.make_durable([key])
        return WrittenBlob(blob, written.sha256, written.size)

    async def open_blob(
        self, pool: PoolReference, blob: str, byte_range: tuple[int, int] | None = None
    ) -> ObjectStream | None:
        """Open content for reading from ``byte_range`` start to end (exclusive); None when it is not there."""
        return await self._objects.stream(self._keys(pool).blob(blob), byte_range)

    async def delete_blob(self, pool: PoolReference, blob: str) -> None:
        """Delete content that no index has ever named."""
        await self._objects.delete([self._keys(pool).blob(blob)])

    async def kept_bytes(self, namespace: str) -> int:
        """Return the size of all content that is kept of a namespace's data pools, also of what no index lists."""
        total = 0
        async for batch in self._objects.list_batches(pools_of(self._cluster_id, namespace)):
            total += sum(item.size for key, item in batch if f"/{BLOBS}/" in key)
        return total

    async def write_secret(self, pool: PoolReference, job: str, secret: bytes) -> None:
        """Keep the secret of a pod that serves the data pool's volume."""
        await self._objects.put(self._keys(pool).secret(job), secret)

    async def read_secret(self, pool: PoolReference, job: str) -> bytes | None:
        """Return the secret of the pod of that Job, None when there is none."""
        return await self._objects.get(self._keys(pool).secret(job))

    async def delete_secret(self, pool: PoolReference, job: str) -> None:
        """Delete the secret of the pod of that Job, which has gone."""
        await self._objects.delete([self._keys(pool).secret(job)])

    async def read_index(self, pool: PoolReference, digest: str | None) -> PoolIndex:
        """Return the state of that digest; None is that of the pool which has never had a file."""
        if digest is None:
            return PoolIndex()
        key = self._keys(pool).index_root(digest)
        return PoolIndex(digest, await self._part(pool.namespace, key, IndexRoot, digest))

    async def find(self, pool: PoolReference, index: PoolIndex, file_id: str) -> PoolFile | None:
        """Return the file of that id, a UUID; None when this state has none."""
        shard = await self._shard(pool, index, shard_of(file_id))
        return None if shard is None else next((file for file in shard.files if file.id == file_id), None)

    async def batches(self, pool: PoolReference, index: PoolIndex) -> AsyncIterator[tuple[PoolFile, ...]]:
        """Give all files, some at a time, in no order that means anything."""
        numbers = list(index.root.shards)
        for start in range(0, len(numbers), _SHARDS_AT_ONCE):
            some = numbers[start : start + _SHARDS_AT_ONCE]
            for shard in await asyncio.gather(*(self._shard(pool, index, number) for number in some)):
                if shard is not None:
                    yield shard.files

    async def files(self, pool: PoolReference, index: PoolIndex) -> list[PoolFile]:
        """Return all files by name."""
        found = [file async for batch in self.batches(pool, index) for file in batch]
        return sorted(found, key=lambda file: file.name)

    async def plan(self, pool: PoolReference, before: PoolIndex, changes: Collection[Change]) -> NextIndex:
        """Return the state after the changes, which is not written yet."""
        numbers = sorted(shards_touched(changes))
        found: dict[str, Shard | None] = {}
        for start in range(0, len(numbers), _SHARDS_AT_ONCE):
            some = numbers[start : start + _SHARDS_AT_ONCE]
            shards_found = await asyncio.gather(*(self._shard(pool, before, number) for number in some))
            found.update(zip(some, shards_found, strict=True))
        shards = {number: shard for number, shard in found.items() if shard is not None}
        nonce = uuid.uuid4().hex
        if len(changes) <= _FEW_CHANGES:
            return next_index(before, shards, changes, nonce=nonce)
        return await THREADS.run(pool.namespace, next_index, before, shards, changes, nonce=nonce)

    async def write_index(self, pool: PoolReference, planned: NextIndex) -> None:
        """Write a state, its root last, durably. It counts once it is the pool's head."""
        if not planned.root or planned.index.digest is None:
            return
        keys = self._keys(pool)
        parts = {keys.shard(digest): text for digest, text in planned.shards.items()}
        await asyncio.gather(*(self._objects.put(key, text) for key, text in parts.items()))
        root = keys.index_root(planned.index.digest)
        await self._objects.put(root, planned.root)
        await self._objects.make_durable([*parts, root])

    async def find_content(self, pool: PoolReference, index: PoolIndex, sha256: str) -> PoolFile | None:
        """Return a file of this state that has that content, None when none is known: it may be stored again then."""
        text = await self._objects.get(self._keys(pool).content(sha256))
        try:
            note = None if text is None else ContentNote.model_validate_json(text)
            found = None if note is None else await self.find(pool, index, note.file_id)
        except ValueError:  # No note, or of an id that is none
            return None
        return found if found is not None and found.sha256 == sha256 else None

    async def note_content(self, pool: PoolReference, file: PoolFile) -> None:
        """Note that a file has this content, so that another one with the same need not be stored again."""
        note = ContentNote(file_id=file.id)
        await self._objects.put(
            self._keys(pool).content(file.sha256), note.model_dump_json(by_alias=True).encode()
        )

    async def _shard(self, pool: PoolReference, index: PoolIndex, number: str) -> Shard | None:
        digest = index.root.shards.get(number)
        if digest is None:
            return None
        return await self._part(pool.namespace, self._keys(pool).shard(digest), Shard, digest)

    async def _part(self, namespace: str, key: str, kind: type[_Part], digest: str) -> _Part:
        text = await self._objects.get(key)
        if text is None:
            raise CorruptRecordError(f"cannot read {key}: it is missing")
        if len(text) <= SMALL_BYTES:
            return decoded(kind, digest, text)
        # Names can be chosen so that they share a shard
        return await THREADS.run(namespace, decoded, kind, digest, text)

    def _keys(self, pool: PoolReference) -> PoolKeys:
        return PoolKeys(self._cluster_id, pool)
