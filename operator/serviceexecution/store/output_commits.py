"""Output's commit records, without ever holding one as a whole: a record of 50,000 files has tens of megabytes."""

import hashlib
import re
from collections.abc import AsyncIterable, Collection, Iterator
from typing import Final

from typing_extensions import override

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import CorruptRecordError
from serviceexecution.store.keys import ExecutionKeys
from serviceexecution.store.storage.objects import Objects
from serviceexecution.store.storage.streams import write_stream

COMMITTED_AT: Final = b'"committedAt":'
"""The last member of a record, the only one that differs when the same commit is repeated."""
_HEAD: Final = re.compile(rb'\{"version":\d+,"attempt":(\d{1,9}),')
_HEAD_BYTES: Final = 128
_STALE_AT_ONCE: Final = 1000


class OutputCommits:
    """The commit records of outputs. All methods raise StoreError."""

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._cluster_id = cluster_id

    async def attempt_of(self, reference: ExecutionReference) -> int | None:
        """Return whose output is committed, None while none is; reads no more than the record's beginning."""
        key = self._keys(reference).manifest
        stream = await self._objects.stream(key, (0, _HEAD_BYTES))
        if stream is None:
            return None
        head = _HEAD.match(b"".join([chunk async for chunk in stream.chunks]))
        if head is None:
            raise CorruptRecordError(f"cannot read {key}: it does not begin as a commit record")
        return int(head[1])

    async def is_committed(self, reference: ExecutionReference, text: AsyncIterable[bytes]) -> bool:
        """Tell whether the record is ``text``, which ends with ``COMMITTED_AT``, and a time."""
        wanted, length = hashlib.sha256(), 0
        async for piece in text:
            wanted.update(piece)
            length += len(piece)
        stream = await self._objects.stream(self._keys(reference).manifest)
        if stream is None or stream.size < length:
            return False
        found, left = hashlib.sha256(), length
        async for chunk in stream.chunks:
            found.update(chunk[:left])
            left -= min(left, len(chunk))
            if not left:
                break
        return found.digest() == wanted.digest()

    async def seal(
        self, reference: ExecutionReference, attempt: int, wanted: Collection[str], text: AsyncIterable[bytes]
    ) -> None:
        """Make the files ``wanted``, encoded paths, durable, write ``text`` as the commit record, and delete what is
        not wanted, earlier attempts' output included. The caller has checked that the files are there."""
        keys = self._keys(reference, attempt)
        await self._objects.make_durable(_Below(keys.output_prefix, wanted))
        await write_stream(self._objects, keys.manifest, text)
        await self._objects.make_durable([keys.manifest])
        await self._delete_unwanted(keys.output_prefix, wanted)
        for earlier in range(1, attempt):
            await self._delete_unwanted(self._keys(reference, earlier).output_prefix, ())

    async def _delete_unwanted(self, prefix: str, wanted: Collection[str]) -> None:
        stale: list[str] = []
        async for batch in self._objects.list_batches(prefix):
            stale += [f"{prefix}/{key}" for key, _ in batch if key not in wanted]
        for start in range(0, len(stale), _STALE_AT_ONCE):
            await self._objects.delete(stale[start : start + _STALE_AT_ONCE])

    def _keys(self, reference: ExecutionReference, attempt: int = 1) -> ExecutionKeys:
        return ExecutionKeys.of(self._cluster_id, reference, attempt)


class _Below(Collection[str]):
    """Keys below a prefix, made when they are asked for."""

    def __init__(self, prefix: str, rests: Collection[str]) -> None:
        self._prefix = prefix
        self._rests = rests

    @override
    def __len__(self) -> int:
        return len(self._rests)

    @override
    def __iter__(self) -> Iterator[str]:
        return (f"{self._prefix}/{rest}" for rest in self._rests)

    @override
    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.removeprefix(f"{self._prefix}/") in self._rests
