"""What runs have used over time, as their pods have told it."""

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.keys import ExecutionKeys
from serviceexecution.store.record_files import RecordFiles
from serviceexecution.store.records import UsageSeries
from serviceexecution.store.storage.objects import Objects


class UsageStore:
    """The series of executions. All methods raise StoreError."""

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._records = RecordFiles(objects)
        self._cluster_id = cluster_id

    async def write_series(self, reference: ExecutionReference, series: UsageSeries) -> None:
        """Write or replace the execution's series: that of its newest attempt."""
        await self._records.write(self._key(reference), series)

    async def read_series(self, reference: ExecutionReference) -> UsageSeries | None:
        """Return the execution's series, None when there is none; raises CorruptRecordError."""
        return await self._records.read(self._key(reference), UsageSeries)

    def _key(self, reference: ExecutionReference) -> str:
        return ExecutionKeys.of(self._cluster_id, reference).usage_series
