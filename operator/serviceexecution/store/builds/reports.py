"""What the pods of builds report."""

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.keys import ExecutionKeys
from serviceexecution.store.record_files import RecordFiles
from serviceexecution.store.records import BuildReport
from serviceexecution.store.storage.objects import Objects


class ReportStore:
    """The reports of builds. All methods raise StoreError."""

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._cluster_id = cluster_id
        self._records = RecordFiles(objects)

    async def write(self, reference: ExecutionReference, report: BuildReport) -> None:
        """Keep what a build's pod reports; a repeated report replaces the one before."""
        await self._records.write(self._key(reference), report)

    async def read(self, reference: ExecutionReference) -> BuildReport | None:
        """Return what a build's pod has reported, None while it has not; raises CorruptRecordError."""
        return await self._records.read(self._key(reference), BuildReport)

    def _key(self, reference: ExecutionReference) -> str:
        return ExecutionKeys.of(self._cluster_id, reference).build_report
