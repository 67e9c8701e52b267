"""Records as objects: written durably, read with their errors named."""

from typing import TypeVar

from pydantic import ValidationError

from serviceexecution.fairness.work import SMALL_BYTES, THREADS
from serviceexecution.store.errors import CorruptRecordError
from serviceexecution.store.records import Record
from serviceexecution.store.storage.objects import Objects

_R = TypeVar("_R", bound=Record)


class RecordFiles:
    """Writes and reads records by key. All methods raise StoreError."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def write(self, key: str, record: Record) -> None:
        """Write or replace a record, durably."""
        await self._objects.put(key, record.model_dump_json(by_alias=True).encode())
        await self._objects.make_durable([key])

    async def read(self, key: str, kind: type[_R]) -> _R | None:
        """Return a record, None when there is none; raises CorruptRecordError."""
        data = await self._objects.get(key)
        if data is None:
            return None
        try:
            if len(data) > SMALL_BYTES:  # Such as 50,000 files
                return await THREADS.run(key.split("/", 2)[1], kind.model_validate_json, data)
            return kind.model_validate_json(data)
        except ValidationError as error:
            raise CorruptRecordError(f"cannot read {key}: {error.error_count()} fields are wrong") from error
