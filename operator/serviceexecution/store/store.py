"""The results store: outputs, logs and commit records of executions, by execution.

A commit record (manifest.json, log.json) is written last and atomically, so it exists only when all that it
lists is in the store.
"""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from serviceexecution.fairness.work import SMALL_BYTES, THREADS
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import CorruptRecordError, StoreError
from serviceexecution.store.keys import (
    EXPIRIES,
    SOURCES,
    TOMBSTONES,
    ExecutionKeys,
    check_segment,
    encode_output_path,
)
from serviceexecution.store.media_types import media_type_of
from serviceexecution.store.output_commits import OutputCommits
from serviceexecution.store.records import (
    BuildReport,
    Expiry,
    LogRecord,
    OutputManifest,
    Record,
    StoredFile,
    Tombstone,
)
from serviceexecution.store.sources import SourceStore
from serviceexecution.store.storage.cleanup import clear_conflicts, delete_tree
from serviceexecution.store.storage.objects import ListedObjects, Objects, ObjectStream, StoredObject
from serviceexecution.store.storage.streams import write_stream

OutputStream = ObjectStream

_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True, slots=True)
class WrittenOutput:
    """An output file as it was written, and the backend's tag of this very write (None where it has none)."""

    file: StoredFile
    etag: str | None


class ResultStore:
    """Everything kept of executions, below ``<cluster id>/<namespace>/<uid>/``.

    All methods raise StoreError when the backend fails, InvalidOutputPathError for a bad path. ``attempt`` is
    the attempt whose output or log is meant; each has its own.
    """

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._cluster_id = check_segment(cluster_id, "cluster id")
        self.sources = SourceStore(objects, self._cluster_id)
        """The archives that services are built from."""
        self.commits = OutputCommits(objects, self._cluster_id)
        """Commit records of outputs that are too large to be held as a whole."""

    @classmethod
    def open(cls, url: str, cluster_id: str, options: Mapping[str, str] | None = None) -> "ResultStore":
        """Open "file:///directory", "memory:///", "s3://bucket/prefix", "gs://…" or "az://…".

        Raises StoreConfigurationError.
        """
        return cls(Objects.open(url, options or {}), cluster_id)

    def _keys(self, ref: ExecutionReference, attempt: int = 1) -> ExecutionKeys:
        return ExecutionKeys.of(self._cluster_id, ref, attempt)

    async def check(self) -> None:
        """Raise StoreError unless the store can be written and read now."""
        key = f"{self._cluster_id}/!check"
        await self._objects.put(key, b"ok")
        if await self._objects.get(key) != b"ok":
            raise StoreError("the store does not give back what was written")

    # Output ----------------------------------------------------------------------------------------------

    async def write_output(
        self,
        ref: ExecutionReference,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        attempt: int = 1,
        expected_size: int = 0,
    ) -> WrittenOutput:
        """Write or replace one output file, streaming; an error raised by ``chunks`` leaves the old content.

        ``expected_size`` in bytes is a hint. What stands in the way in a directory store (a file where the
        path has a directory, or the other way round, from an earlier pass) is removed when a write fails on
        it, so that the next try succeeds.
        """
        key = self._keys(ref, attempt).output(path)
        try:
            written = await write_stream(self._objects, key, chunks, expected_size=expected_size)
        except StoreError:
            await clear_conflicts(self._objects, key, self._keys(ref, attempt).output_prefix)
            raise
        file = StoredFile(path=path, size=written.size, sha256=written.sha256, media_type=media_type_of(path))
        return WrittenOutput(file, written.etag)

    async def delete_output(self, ref: ExecutionReference, path: str, *, attempt: int = 1) -> None:
        """Delete one output file, if it is there."""
        await self._objects.delete([self._keys(ref, attempt).output(path)])

    def list_output_batches(
        self, ref: ExecutionReference, *, attempt: int = 1
    ) -> AsyncIterator[ListedObjects]:
        """Give what ``list_outputs`` returns, some at a time."""
        return self._objects.list_batches(self._keys(ref, attempt).output_prefix)

    async def list_outputs(self, ref: ExecutionReference, *, attempt: int = 1) -> dict[str, StoredObject]:
        """Return the attempt's output files by encoded path (``keys.encode_output_path``), committed or not."""
        return await self._objects.list(self._keys(ref, attempt).output_prefix)

    async def digest_output(
        self, ref: ExecutionReference, path: str, *, attempt: int = 1
    ) -> tuple[int, str] | None:
        """Read an output file and return its size in bytes and its SHA-256; None when there is none."""
        stream = await self._objects.stream(self._keys(ref, attempt).output(path))
        if stream is None:
            return None
        digest = hashlib.sha256()
        size = 0
        async for chunk in stream.chunks:
            digest.update(chunk)
            size += len(chunk)
        return size, digest.hexdigest()

    async def open_output(
        self,
        ref: ExecutionReference,
        path: str,
        byte_range: tuple[int, int] | None = None,
        *,
        attempt: int = 1,
    ) -> OutputStream | None:
        """Open an output file; ``byte_range`` is start and end (exclusive) within its size. None: no such file."""
        return await self._objects.stream(self._keys(ref, attempt).output(path), byte_range)

    async def commit_manifest(self, ref: ExecutionReference, manifest: OutputManifest) -> None:
        """Write the output's commit record after making the listed files durable, then delete what it does
        not list. The caller has checked that the files are there."""

        async def text() -> AsyncIterator[bytes]:
            yield manifest.model_dump_json(by_alias=True).encode()

        wanted = {encode_output_path(file.path) for file in manifest.files}
        await self.commits.seal(ref, manifest.attempt, wanted, text())

    async def read_manifest(self, ref: ExecutionReference) -> OutputManifest | None:
        """Return the output's commit record, None while there is none; raises CorruptRecordError."""
        return await self._read_record(self._keys(ref).manifest, OutputManifest)

    # Log -------------------------------------------------------------------------------------------------

    async def write_log_chunk(
        self, ref: ExecutionReference, sequence: int, data: bytes, *, attempt: int = 1
    ) -> None:
        """Write or replace a chunk of whole lines "<RFC 3339 time> text\\n"; chunks are counted from 1."""
        await self._objects.put(self._keys(ref, attempt).log_chunk(sequence), data)

    async def list_log_chunks(self, ref: ExecutionReference, *, attempt: int = 1) -> list[tuple[int, int]]:
        """Return sequence and size in bytes of all chunks in order."""
        found = await self._objects.list(self._keys(ref, attempt).log_prefix)
        return sorted((int(name), item.size) for name, item in found.items() if name.isdecimal())

    async def read_log_chunk(self, ref: ExecutionReference, sequence: int, *, attempt: int = 1) -> bytes:
        """Return a chunk; raises StoreError when it is missing."""
        key = self._keys(ref, attempt).log_chunk(sequence)
        data = await self._objects.get(key)
        if data is None:
            raise StoreError(f"cannot read {key}: it is missing")
        return data

    async def commit_log(self, ref: ExecutionReference, record: LogRecord) -> None:
        """Write the log's commit record after making all its chunks durable."""
        keys = self._keys(ref, record.attempt)
        listed = await self._objects.list(keys.log_prefix)
        durable = [f"{keys.log_prefix}/{rest}" for rest in listed]
        if record.stdout_result is not None:
            durable.append(keys.stdout_result)
        await self._objects.make_durable(durable)
        await self._write_record(keys.log_record, record)

    async def read_log_record(self, ref: ExecutionReference) -> LogRecord | None:
        """Return the log's commit record, None while there is none; raises CorruptRecordError."""
        return await self._read_record(self._keys(ref).log_record, LogRecord)

    async def write_stdout_result(self, ref: ExecutionReference, text: bytes) -> None:
        """Write the main result that the program printed, as it printed it."""
        await self._objects.put(self._keys(ref).stdout_result, text)

    async def read_stdout_result(self, ref: ExecutionReference) -> bytes | None:
        """Return the main result that the program printed, if it did."""
        return await self._objects.get(self._keys(ref).stdout_result)

    async def write_dead_letter(self, ref: ExecutionReference, event: bytes) -> None:
        """Keep the callback's event that could not be delivered, beside the results; it goes with them."""
        await self._objects.put(self._keys(ref).dead_letter, event)

    async def read_dead_letter(self, ref: ExecutionReference) -> bytes | None:
        """Return the callback's event that could not be delivered, None when there is none."""
        return await self._objects.get(self._keys(ref).dead_letter)

    # Builds ----------------------------------------------------------------------------------------------

    async def write_build_report(self, ref: ExecutionReference, report: BuildReport) -> None:
        """Keep what a build's pod reports; a repeated report replaces the one before."""
        await self._write_record(self._keys(ref).build_report, report)

    async def read_build_report(self, ref: ExecutionReference) -> BuildReport | None:
        """Return what a build's pod has reported, None while it has not; raises CorruptRecordError."""
        return await self._read_record(self._keys(ref).build_report, BuildReport)

    # Executions ------------------------------------------------------------------------------------------

    async def delete_execution(self, namespace: str, uid: str) -> None:
        """Delete all of an execution, commit records first so that none stands without its files."""
        keys = ExecutionKeys(self._cluster_id, namespace, uid)
        await self._objects.delete([keys.manifest, keys.log_record])
        await delete_tree(self._objects, keys.root)

    async def list_executions(self) -> AsyncIterator[tuple[str, str]]:
        """Give namespace and uid of every execution that has anything in the store."""
        for namespace in await self._objects.list_prefixes(self._cluster_id):
            if namespace not in {TOMBSTONES, EXPIRIES, SOURCES}:
                for uid in await self._objects.list_prefixes(f"{self._cluster_id}/{namespace}"):
                    yield namespace, uid

    async def write_tombstone(self, namespace: str, uid: str, marked_at: datetime) -> None:
        """Note that an execution was found to be gone from the cluster."""
        await self._write_record(self._note(TOMBSTONES, namespace, uid), Tombstone(marked_at=marked_at))

    async def delete_tombstone(self, namespace: str, uid: str) -> None:
        """Forget that note."""
        await self._objects.delete([self._note(TOMBSTONES, namespace, uid)])

    async def list_tombstones(self) -> dict[tuple[str, str], datetime]:
        """Return by namespace and uid since when executions are known to be gone."""
        found = await self._notes(TOMBSTONES, Tombstone)
        return {execution: note.marked_at for execution, note in found.items()}

    async def write_expiry(self, namespace: str, uid: str, expires_at: datetime) -> None:
        """Note until when an execution's log and output are kept."""
        await self._write_record(self._note(EXPIRIES, namespace, uid), Expiry(expires_at=expires_at))

    async def delete_expiry(self, namespace: str, uid: str) -> None:
        """Forget that note."""
        await self._objects.delete([self._note(EXPIRIES, namespace, uid)])

    async def read_expiry(self, namespace: str, uid: str) -> datetime | None:
        """Return until when log and output are kept, None when nothing was said."""
        note = await self._read_record(self._note(EXPIRIES, namespace, uid), Expiry)
        return None if note is None else note.expires_at

    async def list_expiries(self) -> dict[tuple[str, str], datetime]:
        """Return by namespace and uid until when log and output are kept, where something was said."""
        found = await self._notes(EXPIRIES, Expiry)
        return {execution: note.expires_at for execution, note in found.items()}

    async def _notes(self, kind: str, record: type[_R]) -> dict[tuple[str, str], _R]:
        found: dict[tuple[str, str], _R] = {}
        for name in await self._objects.list(f"{self._cluster_id}/{kind}"):
            namespace, _, uid = name.partition("/")
            try:
                note = await self._read_record(self._note(kind, namespace, uid), record)
            except CorruptRecordError:  # as if there were none: it is written anew, and the time starts again
                continue
            if note is not None:
                found[namespace, uid] = note
        return found

    def _note(self, kind: str, namespace: str, uid: str) -> str:
        place = f"{check_segment(namespace, 'namespace')}/{check_segment(uid, 'uid')}"
        return f"{self._cluster_id}/{kind}/{place}"

    async def _write_record(self, key: str, record: Record) -> None:
        await self._objects.put(key, record.model_dump_json(by_alias=True).encode())
        await self._objects.make_durable([key])

    async def _read_record(self, key: str, kind: type[_R]) -> _R | None:
        data = await self._objects.get(key)
        if data is None:
            return None
        try:
            if len(data) > SMALL_BYTES:  # such as 50,000 files
                return await THREADS.run(key.split("/", 2)[1], kind.model_validate_json, data)
            return kind.model_validate_json(data)
        except ValidationError as error:
            raise CorruptRecordError(f"cannot read {key}: {error.error_count()} fields are wrong") from error
