"""Single objects of the store: put, get, list, delete, with the backend's errors translated."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import obstore
from obstore.store import ObjectStore

from serviceexecution.store.errors import StoreError
from serviceexecution.store.storage.backend import local_root, open_backend, translated
from serviceexecution.store.storage.durability import sync_files

if TYPE_CHECKING:  # A type that only obstore's stubs have.
    from obstore import ObjectMeta

MIN_PART_BYTES: Final = 8 * 1024 * 1024
"""Part of a large upload that is held in memory; S3 wants at least 5 MiB."""
READ_CHUNK_BYTES: Final = 256 * 1024
_MAX_PARTS: Final = 9_000  # S3 takes 10,000
_CONCURRENT_PARTS: Final = 2
_LISTED_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as listed: bytes, the tag that changes with each write where the backend has one, and when
    it was written last."""

    size: int
    etag: str | None
    modified_at: datetime


ListedObjects = list[tuple[str, StoredObject]]
"""Some objects with what follows the prefix in their keys."""


@dataclass(frozen=True, slots=True)
class ObjectStream:
    """Bytes ``start`` to ``end`` (exclusive) of an object of ``size`` bytes."""

    size: int
    start: int
    end: int
    chunks: AsyncIterator[bytes]


class Objects:
    """The backend. Writes are atomic: an object has its old content or its new one."""

    def __init__(self, backend: ObjectStore) -> None:
        self._backend = backend
        self.root = local_root(backend)
        """The directory, when the store is one."""

    @classmethod
    def open(cls, url: str, options: Mapping[str, str]) -> "Objects":
        """Open the backend; raises StoreConfigurationError."""
        return cls(open_backend(url, options))

    async def put(self, key: str, data: bytes) -> str | None:
        """Write a small object; returns its tag."""
        with translated(f"write {key}"):
            return (await obstore.put_async(self._backend, key, data, use_multipart=False))["e_tag"]

    async def put_stream(
        self, key: str, chunks: AsyncIterable[bytes], *, expected_size: int = 0
    ) -> str | None:
        """Write a large object part by part, at most three parts in memory; nothing is kept on failure.

        ``expected_size`` in bytes makes the parts large enough for what is coming.
        """
        part = max(MIN_PART_BYTES, expected_size // _MAX_PARTS + 1)
        with translated(f"write {key}"):
            result = await obstore.put_async(
                self._backend, key, chunks, chunk_size=part, max_concurrency=_CONCURRENT_PARTS
            )
            return result["e_tag"]

    async def get(self, key: str) -> bytes | None:
        """Return a small object's content, or None when there is none."""
        with translated(f"read {key}"):
            try:
                result = await obstore.get_async(self._backend, key)
                return bytes(await result.bytes_async())
            except FileNotFoundError:
                return None

    async def stream(self, key: str, byte_range: tuple[int, int] | None = None) -> ObjectStream | None:
        """Open an object for reading from ``byte_range`` start to end (exclusive); None when there is none."""
        with translated(f"read {key}"):
            try:
                if byte_range is None:
                    result = await obstore.get_async(self._backend, key)
                else:
                    result = await obstore.get_async(self._backend, key, options={"range": byte_range})
            except FileNotFoundError:
                return None
            start, end = result.range
            size = result.meta["size"]

        async def chunks() -> AsyncIterator[bytes]:
            with translated(f"read {key}"):
                async for chunk in result.stream(min_chunk_size=READ_CHUNK_BYTES):
                    yield bytes(chunk)

        return ObjectStream(size, start, end, chunks())

    async def stat(self, key: str) -> StoredObject | None:
        """Return an object's size, tag and time without its content; None when there is none."""
        with translated(f"read {key}"):
            try:
                return _stored(await obstore.head_async(self._backend, key))
            except FileNotFoundError:
                return None

    async def list(self, prefix: str) -> dict[str, StoredObject]:
        """Return all objects below ``prefix/`` by the rest of their keys."""
        found: dict[str, StoredObject] = {}
        async for batch in self.list_batches(prefix):
            found.update(batch)
        return found

    async def list_batches(self, prefix: str) -> AsyncIterator[ListedObjects]:
        """Give what ``list`` returns, some at a time, so that nobody must hold it all."""
        with translated(f"list {prefix}"):
            try:
                async for batch in obstore.list(self._backend, prefix, chunk_size=_LISTED_AT_ONCE):
                    yield [(meta["path"][len(prefix) + 1 :], _stored(meta)) for meta in batch]
            except FileNotFoundError:  # A directory that went away between the two looks
                return

    async def list_prefixes(self, prefix: str) -> Sequence[str]:
        """Return the names directly below ``prefix/`` that have objects below them, sorted."""
        with translated(f"list {prefix}"):
            try:
                result = await obstore.list_with_delimiter_async(self._backend, prefix)
            except FileNotFoundError:
                return []
            return sorted(path.rpartition("/")[2] for path in result["common_prefixes"])

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are no error."""
        with translated(f"delete {keys[0] if keys else 'nothing'}"):
            if self.root is None:
                for start in range(0, len(keys), 1000):
                    await self._delete_some(keys[start : start + 1000])
                return
            for key in keys:  # One by one: a missing file ends a directory store's batch
                await self._delete_some([key])

    async def _delete_some(self, keys: Sequence[str]) -> None:
        try:
            await obstore.delete_async(self._backend, keys)
        except FileNotFoundError:
            if len(keys) > 1:  # GCS and Azure report a missing object: delete the others too
                for key in keys:
                    await self._delete_some([key])

    async def make_durable(self, keys: Collection[str]) -> None:
        """Return when the objects survive a power cut; object stores answer a write only then anyway.

        Raises StoreError, also when an object is missing.
        """
        if self.root is not None and keys:
            try:
                await asyncio.to_thread(sync_files, self.root, keys)
            except OSError as error:
                raise StoreError(f"cannot sync {next(iter(keys))}: {error.strerror}") from error


def _stored(meta: "ObjectMeta") -> StoredObject:
    return StoredObject(meta["size"], meta["e_tag"], meta["last_modified"])
