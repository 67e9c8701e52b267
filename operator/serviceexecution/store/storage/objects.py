"""Single objects of the store: put, get, list, delete, with the backend's errors translated."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

import obstore
from obstore.store import ObjectStore

from serviceexecution.store.errors import StoreError
from serviceexecution.store.storage.answers import Answers
from serviceexecution.store.storage.backend import (
    NothingWhenMissing,
    is_without_bucket,
    local_root,
    open_backend,
    translated,
)
from serviceexecution.store.storage.durability import sync_files

if TYPE_CHECKING:  # A type that only obstore's stubs have.
    from obstore import ObjectMeta

_T = TypeVar("_T")

MIN_PART_BYTES: Final = 8 * 1024 * 1024
"""Part of a large upload that is held in memory; S3 wants at least 5 MiB."""
READ_CHUNK_BYTES: Final = 256 * 1024
_MAX_PARTS: Final = 9_000  # S3 takes 10,000
_CONCURRENT_PARTS: Final = 2
_LISTED_AT_ONCE: Final = 1000

READ_SECONDS: Final = 5.0
"""How long the store has to begin an answer to a read, its repetitions included."""
_SMALL_READ_SECONDS: Final = 20.0
"""How long it has for the whole of an object that is read at once: the largest are some tens of megabytes."""
_LIST_SECONDS: Final = 20.0
"""How long it has for a page of a list. A directory is listed in one page."""
_CHUNK_SECONDS: Final = 60.0
"""How long it has for the next piece of an object that is streamed."""
_WRITE_SECONDS: Final = 30.0
"""How long it has to take a small object, or to delete a thousand."""

_RENAME_SECONDS: Final = 60.0
"""How long it has to rename an object, which a bucket copies."""


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

    def __init__(self, backend: ObjectStore, *, may_write: Callable[[], bool] | None = None) -> None:
        """``may_write`` is asked right before each write and each deletion."""
        self._backend = backend
        self._may_write = may_write
        self.answers = Answers()
        """Whether it answers. What a sender does to a large upload says nothing of that."""
        self.root = local_root(backend)
        """The directory, when the store is one."""

    @classmethod
    def open(
        cls, url: str, options: Mapping[str, str], *, may_write: Callable[[], bool] | None = None
    ) -> "Objects":
        """Open the backend; raises StoreConfigurationError."""
        return cls(open_backend(url, options), may_write=may_write)

    def check_may_write(self) -> None:
        """Raise StoreError when this process may be leading no more: its successor's objects are not to be replaced."""
        if self._may_write is not None and not self._may_write():
            message = "another controller may be leading by now: nothing is written to the store"
            raise StoreError(message)

    async def put(self, key: str, data: bytes) -> str | None:
        """Write a small object; returns its tag."""
        self.check_may_write()
        with self.answers.noted(), translated(f"write {key}"):
            async with asyncio.timeout(_WRITE_SECONDS):
                return _tag((await obstore.put_async(self._backend, key, data, use_multipart=False))["e_tag"])

    async def put_stream(
        self, key: str, chunks: AsyncIterable[bytes], *, expected_size: int = 0
    ) -> str | None:
        """Write a large object part by part, at most three parts in memory; nothing is kept on failure.

        ``expected_size`` in bytes makes the parts large enough for what is coming.
        """
        self.check_may_write()
        part = max(MIN_PART_BYTES, expected_size // _MAX_PARTS + 1)
        with translated(f"write {key}"):
            result = await obstore.put_async(
                self._backend, key, chunks, chunk_size=part, max_concurrency=_CONCURRENT_PARTS
            )
            return _tag(result["e_tag"])

    async def rename(self, key: str, new: str) -> None:
        """Give an object another name, in place of what has that name."""
        self.check_may_write()
        with self.answers.noted(), translated(f"rename {key}"):
            async with asyncio.timeout(_RENAME_SECONDS):
                await obstore.rename_async(self._backend, key, new, overwrite=True)

    async def get(self, key: str) -> bytes | None:
        """Return a small object's content, or None when there is none."""
        with self.answers.noted(), NothingWhenMissing(self.root, f"read {key}"):
            async with asyncio.timeout(READ_SECONDS) as limit:
                result = await obstore.get_async(self._backend, key)
                limit.reschedule(asyncio.get_running_loop().time() + _SMALL_READ_SECONDS)
                return bytes(await result.bytes_async())
        return None

    async def stream(self, key: str, byte_range: tuple[int, int] | None = None) -> ObjectStream | None:
        """Open an object for reading from ``byte_range`` start to end (exclusive); None when there is none."""
        result = None
        with self.answers.noted(), NothingWhenMissing(self.root, f"read {key}"):
            async with asyncio.timeout(READ_SECONDS):
                if byte_range is None:
                    result = await obstore.get_async(self._backend, key)
                else:
                    result = await obstore.get_async(self._backend, key, options={"range": byte_range})
        if result is None:
            return None
        start, end = result.range
        arriving = aiter(result.stream(min_chunk_size=READ_CHUNK_BYTES))

        async def chunks() -> AsyncIterator[bytes]:
            with translated(f"read {key}"):
                while (chunk := await _next(arriving, _CHUNK_SECONDS)) is not None:
                    yield bytes(chunk)

        return ObjectStream(result.meta["size"], start, end, chunks())

    async def stat(self, key: str) -> StoredObject | None:
        """Return an object's size, tag and time without its content; None when there is none."""
        with self.answers.noted(), NothingWhenMissing(self.root, f"read {key}"):
            async with asyncio.timeout(READ_SECONDS):
                return _stored(await obstore.head_async(self._backend, key))
        return None

    async def list(self, prefix: str) -> dict[str, StoredObject]:
        """Return all objects below ``prefix/`` by the rest of their keys."""
        found: dict[str, StoredObject] = {}
        async for batch in self.list_batches(prefix):
            found.update(batch)
        return found

    async def list_batches(self, prefix: str) -> AsyncIterator[ListedObjects]:
        """Give what ``list`` returns, some at a time, so that nobody must hold it all."""
        arriving = aiter(obstore.list(self._backend, prefix, chunk_size=_LISTED_AT_ONCE))
        with self.answers.noted(), NothingWhenMissing(self.root, f"list {prefix}") as block:
            block.check()  # The list of a directory that is gone is empty
            while (batch := await _next(arriving, _LIST_SECONDS)) is not None:
                yield [(meta["path"][len(prefix) + 1 :], _stored(meta)) for meta in batch]

    async def list_prefixes(self, prefix: str) -> Sequence[str]:
        """Return the names directly below ``prefix/`` that have objects below them, sorted."""
        with self.answers.noted(), NothingWhenMissing(self.root, f"list {prefix}") as block:
            block.check()  # The list of a directory that is gone is empty
            async with asyncio.timeout(_LIST_SECONDS):
                result = await obstore.list_with_delimiter_async(self._backend, prefix)
            return sorted(path.rpartition("/")[2] for path in result["common_prefixes"])
        return []

    async def names(self, prefix: str) -> frozenset[str]:
        """Return the names of what is directly below ``prefix/``: objects, and prefixes of other ones."""
        with self.answers.noted(), NothingWhenMissing(self.root, f"list {prefix}") as block:
            block.check()
            async with asyncio.timeout(READ_SECONDS):
                result = await obstore.list_with_delimiter_async(self._backend, prefix)
            paths = [*result["common_prefixes"], *(meta["path"] for meta in result["objects"])]
            return frozenset(path.rpartition("/")[2] for path in paths)
        return frozenset()

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are no error."""
        self.check_may_write()
        with self.answers.noted(), translated(f"delete {keys[0] if keys else 'nothing'}"):
            if self.root is None:
                for start in range(0, len(keys), 1000):
                    await self._delete_some(keys[start : start + 1000])
                return
            for key in keys:  # One by one: a missing file ends a directory store's batch
                await self._delete_some([key])

    async def _delete_some(self, keys: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                await obstore.delete_async(self._backend, keys)
        except FileNotFoundError as error:
            if is_without_bucket(error):
                raise
            if len(keys) > 1:  # GCS and Azure report a missing object: delete the others too
                for key in keys:
                    await self._delete_some([key])

    async def make_durable(self, keys: Collection[str], *, below: str | None = None) -> None:
        """Return when the objects survive a power cut, and with ``below`` whatever is directly below that prefix;
        object stores answer a write only then anyway.

        Raises StoreError, also when an object of ``keys`` is missing.
        """
        if self.root is not None and (keys or below is not None):
            try:
                await asyncio.to_thread(sync_files, self.root, keys, below)
            except OSError as error:
                first = next(iter(keys), below)
                raise StoreError(f"cannot sync {first}: {error.strerror}") from error


async def _next(arriving: AsyncIterator[_T], seconds: float) -> _T | None:
    async with asyncio.timeout(seconds):
        return await anext(arriving, None)


def _stored(meta: "ObjectMeta") -> StoredObject:
    # In whole seconds: Google says more in lists than it does of one object
    return StoredObject(meta["size"], _tag(meta["e_tag"]), meta["last_modified"].replace(microsecond=0))


def _tag(tag: str | None) -> str | None:
    """Return a tag as it can be compared: Azure puts it in quotes in the answer to a write, and not in lists."""
    return None if tag is None else tag.strip('"')
