"""The results store: outputs, logs and commit records of executions, by execution.

A commit record (manifest.json, log.json) is written last and atomically, so it exists only when all that it
lists is in the store.
"""

from collections.abc import AsyncIterator, Callable, Mapping

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.builds.reports import ReportStore
from serviceexecution.store.builds.sources import SourceStore
from serviceexecution.store.errors import StoreError
from serviceexecution.store.keys import (
    EXPIRIES,
    POOLS,
    SOURCES,
    TOMBSTONES,
    USAGE,
    ExecutionKeys,
    attempt_in_name,
    check_segment,
)
from serviceexecution.store.logs import LogStore
from serviceexecution.store.notes import NoteStore
from serviceexecution.store.output_commits import OutputCommits
from serviceexecution.store.outputs import OutputStore
from serviceexecution.store.pools.pool_store import PoolStore
from serviceexecution.store.pools.pool_sweep import PoolSweep
from serviceexecution.store.pools.pool_writes import PoolWrites
from serviceexecution.store.storage.answers import Answers
from serviceexecution.store.storage.cleanup import delete_tree
from serviceexecution.store.storage.objects import Objects
from serviceexecution.store.usage.series import UsageStore
from serviceexecution.store.usage.sums import UsageSums


class ResultStore:
    """Everything kept of executions, below ``<cluster id>/<namespace>/<uid>/``.

    All methods raise StoreError when the backend fails.
    """

    def __init__(self, objects: Objects, cluster_id: str) -> None:
        self._objects = objects
        self._cluster_id = check_segment(cluster_id, "cluster id")
        self.outputs = OutputStore(objects, self._cluster_id)
        """The files that executions leave, by attempt."""
        self.commits = OutputCommits(objects, self._cluster_id)
        """Commit records of outputs that are too large to be held as a whole."""
        self.logs = LogStore(objects, self._cluster_id)
        """What executions and builds print, by attempt."""
        self.reports = ReportStore(objects, self._cluster_id)
        """What the pods of builds report."""
        self.usage = UsageStore(objects, self._cluster_id)
        """What executions have used over time."""
        self.usage_sums = UsageSums(objects, self._cluster_id)
        """What services have used by month."""
        self.notes = NoteStore(objects, self._cluster_id)
        """What is noted about executions: gone, kept until, not delivered."""
        self.sources = SourceStore(objects, self._cluster_id)
        """The archives that services are built from."""
        self.pools = PoolStore(objects, self._cluster_id)
        """Files of data pools."""
        self.pool_writes = PoolWrites(objects, self._cluster_id)
        """What executions have brought for states of data pools that they write."""
        self.pool_sweep = PoolSweep(objects, self._cluster_id, self.pools)
        """Removes what no data pool uses any more."""

    @classmethod
    def open(
        cls,
        url: str,
        cluster_id: str,
        options: Mapping[str, str] | None = None,
        *,
        may_write: Callable[[], bool] | None = None,
    ) -> "ResultStore":
        """Open "file:///directory", "memory:///", "s3://bucket/prefix", "gs://…" or "az://…".

        ``may_write`` is asked right before each write. Raises StoreConfigurationError.
        """
        return cls(Objects.open(url, options or {}, may_write=may_write), cluster_id)

    @property
    def answers(self) -> Answers:
        """Whether the store answers."""
        return self._objects.answers

    async def check(self) -> None:
        """Raise StoreError unless the store can be read now.

        It is written once, by the first that asks. A store that is full or may only be read later on still gives its
        results; an upload says what is wrong with it.
        """
        key = f"{self._cluster_id}/!check"
        if await self._objects.get(key) == b"ok":
            return
        await self._objects.put(key, b"ok")
        if await self._objects.get(key) != b"ok":
            raise StoreError("the store does not give back what was written")

    async def has_run(self, reference: ExecutionReference, attempt: int = 1) -> bool:
        """Tell whether anything is kept that only this attempt or a later one leaves: output, log, or a record."""
        keys = ExecutionKeys.of(self._cluster_id, reference)
        names = await self._objects.names(keys.root) - {keys.dead_letter.rpartition("/")[2]}
        if attempt == 1 or not names:
            return bool(names)
        if any(number >= attempt for number in map(attempt_in_name, names)):
            return True
        output = await self.commits.attempt_of(reference)
        log = await self.logs.read_record(reference)
        return max(output or 0, log.attempt if log is not None else 0) >= attempt

    async def delete_execution(self, namespace: str, uid: str) -> None:
        """Delete all of an execution, commit records first so that none stands without its files."""
        keys = ExecutionKeys(self._cluster_id, namespace, uid)
        await self._objects.delete([keys.manifest, keys.log_record])
        await delete_tree(self._objects, keys.root)

    async def list_executions(self) -> AsyncIterator[tuple[str, str]]:
        """Give namespace and uid of every execution that has anything in the store."""
        for namespace in await self._objects.list_prefixes(self._cluster_id):
            if namespace not in {TOMBSTONES, EXPIRIES, SOURCES, POOLS, USAGE}:
                for uid in await self._objects.list_prefixes(f"{self._cluster_id}/{namespace}"):
                    yield namespace, uid
