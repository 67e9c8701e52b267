"""Logs: the chunks of each attempt, the record that ends them, and the main result that a program printed."""

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError
from serviceexecution.store.keys import ExecutionKeys
from serviceexecution.store.record_files import RecordFiles
from serviceexecution.store.records import LogRecord
from serviceexecution.store.storage.objects import Objects


class LogChunks:
    """The log of one attempt in chunks, which are counted from 1. All methods raise StoreError."""

    def __init__(self, objects: Objects, keys: ExecutionKeys) -> None:
        self._objects = objects
        self._keys = keys

    async def write(self, sequence: int, data: bytes) -> None:
        """Write or replace a chunk of whole lines "<RFC 3339 time> text\\n"."""
        await self._objects.put(self._keys.log_chunk(sequence), data)

    async def sizes(self) -> list[tuple[int, int]]:
        """Return sequence and size in bytes of all chunks in order."""
        found = await self._objects.list(self._keys.log_prefix)
        return sorted((int(name), item.size) for name, item in found.items() if name.isdecimal())

    async def read(self, sequence: int) -> bytes:
        """Return a chunk; raises StoreError when it is missing."""
        key = self._keys.log_chunk(sequence)
        data = await self._objects.get(key)
        if data is None:
            raise StoreError(f"cannot read {key}: it is missing")
        return data


class LogStore:
    """The logs of executions and builds. All methods raise StoreError."""

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._cluster_id = cluster_id
        self._records = RecordFiles(objects)

    def of(self, reference: ExecutionReference, attempt: int) -> LogChunks:
        """Return the log of an attempt; each attempt has its own."""
        return LogChunks(self._objects, ExecutionKeys.of(self._cluster_id, reference, attempt))

    async def commit(self, reference: ExecutionReference, record: LogRecord) -> None:
        """Write the log's commit record after making all its chunks durable."""
        keys = ExecutionKeys.of(self._cluster_id, reference, record.attempt)
        printed = () if record.stdout_result is None else (keys.stdout_result,)
        await self._objects.make_durable(printed, below=keys.log_prefix)
        await self._records.write(keys.log_record, record)

    async def is_begun(self, reference: ExecutionReference, attempt: int) -> bool:
        """Tell whether anything of the attempt's log is stored, or a log's record of whichever attempt."""
        keys = ExecutionKeys.of(self._cluster_id, reference, attempt)
        names = await self._objects.names(keys.root)
        return any(key.rpartition("/")[2] in names for key in (keys.log_record, keys.log_prefix))

    async def read_record(self, reference: ExecutionReference) -> LogRecord | None:
        """Return the log's commit record, None while there is none; raises CorruptRecordError."""
        return await self._records.read(self._keys(reference).log_record, LogRecord)

    async def discard(self, reference: ExecutionReference, attempt: int) -> None:
        """Delete an attempt's log, its record first, and the result that was printed in it."""
        keys = ExecutionKeys.of(self._cluster_id, reference, attempt)
        await self._objects.delete([keys.log_record])
        chunks = [f"{keys.log_prefix}/{rest}" for rest in await self._objects.list(keys.log_prefix)]
        await self._objects.delete([keys.stdout_result, *chunks])

    async def write_stdout_result(self, reference: ExecutionReference, text: bytes) -> None:
        """Write the main result that the program printed, as it printed it."""
        await self._objects.put(self._keys(reference).stdout_result, text)

    async def read_stdout_result(self, reference: ExecutionReference) -> bytes | None:
        """Return the main result that the program printed, if it did."""
        return await self._objects.get(self._keys(reference).stdout_result)

    def _keys(self, reference: ExecutionReference) -> ExecutionKeys:
        return ExecutionKeys.of(self._cluster_id, reference)
