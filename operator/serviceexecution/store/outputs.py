"""Outputs: the files of each attempt, and the record that says which of them are the result."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError
from serviceexecution.store.keys import ExecutionKeys, encode_output_path
from serviceexecution.store.media_types import media_type_of
from serviceexecution.store.output_commits import OutputCommits
from serviceexecution.store.record_files import RecordFiles
from serviceexecution.store.records import OutputManifest, StoredFile
from serviceexecution.store.storage.cleanup import clear_conflicts
from serviceexecution.store.storage.objects import ListedObjects, Objects, ObjectStream, StoredObject
from serviceexecution.store.storage.streams import write_stream

OutputStream = ObjectStream


@dataclass(frozen=True, slots=True)
class WrittenOutput:
    """An output file as it was written, and the backend's tag of this very write (None where it has none)."""

    file: StoredFile
    etag: str | None


class OutputFiles:
    """The output files of one attempt, committed or not. All methods raise StoreError, and InvalidOutputPathError for
    a bad path.
    """

    def __init__(self, objects: Objects, keys: ExecutionKeys) -> None:
        self._objects = objects
        self._keys = keys

    async def write(
        self, path: str, chunks: AsyncIterable[bytes], *, expected_size: int = 0
    ) -> WrittenOutput:
        """Write or replace one file, streaming; an error raised by ``chunks`` leaves the old content.

        ``expected_size`` in bytes is a hint. What stands in the way where the store has directories (a file where
        the path has a directory, or the other way round, from an earlier pass) is removed when a write fails on
        it, so that the next try succeeds.
        """
        key = self._keys.output(path)
        try:
            written = await write_stream(self._objects, key, chunks, expected_size=expected_size)
        except StoreError as error:
            await clear_conflicts(self._objects, key, self._keys.output_prefix, error)
            raise
        file = StoredFile(path=path, size=written.size, sha256=written.sha256, media_type=media_type_of(path))
        return WrittenOutput(file, written.etag)

    async def delete(self, path: str) -> None:
        """Delete one file, if it is there."""
        await self._objects.delete([self._keys.output(path)])

    def batches(self) -> AsyncIterator[ListedObjects]:
        """Give what ``list`` returns, some at a time."""
        return self._objects.list_batches(self._keys.output_prefix)

    async def list(self) -> dict[str, StoredObject]:
        """Return the files by encoded path (``keys.encode_output_path``)."""
        return await self._objects.list(self._keys.output_prefix)

    async def digest(self, path: str) -> tuple[int, str] | None:
        """Read a file and return its size in bytes and its SHA-256; None when there is none."""
        stream = await self._objects.stream(self._keys.output(path))
        if stream is None:
            return None
        digest = hashlib.sha256()
        size = 0
        async for chunk in stream.chunks:
            digest.update(chunk)
            size += len(chunk)
        return size, digest.hexdigest()

    async def open(self, path: str, byte_range: tuple[int, int] | None = None) -> OutputStream | None:
        """Open a file; ``byte_range`` is start and end (exclusive) within its size. None: no such file."""
        return await self._objects.stream(self._keys.output(path), byte_range)


class OutputStore:
    """The outputs of executions. All methods raise StoreError."""

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._cluster_id = cluster_id
        self._records = RecordFiles(objects)
        self._commits = OutputCommits(objects, cluster_id)

    def of(self, reference: ExecutionReference, attempt: int) -> OutputFiles:
        """Return the output files of an attempt; each attempt has its own."""
        return OutputFiles(self._objects, ExecutionKeys.of(self._cluster_id, reference, attempt))

    async def commit(self, reference: ExecutionReference, manifest: OutputManifest) -> None:
        """Write the output's commit record after making the listed files durable, then delete what it does
        not list. The caller has checked that the files are there."""

        async def text() -> AsyncIterator[bytes]:
            yield manifest.model_dump_json(by_alias=True).encode()

        wanted = {encode_output_path(file.path) for file in manifest.files}
        await self._commits.seal(reference, manifest.attempt, wanted, text())

    async def read_manifest(self, reference: ExecutionReference) -> OutputManifest | None:
        """Return the output's commit record, None while there is none; raises CorruptRecordError."""
        key = ExecutionKeys.of(self._cluster_id, reference).manifest
        return await self._records.read(key, OutputManifest)
