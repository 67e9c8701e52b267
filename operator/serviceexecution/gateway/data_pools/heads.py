"""Moves the head of a data pool: from the state that its object names to the one after some changes.

Changes of one pool that come at the same time are written as one state. The head is moved by compare-and-swap of the
object, so that another gateway's change is never lost: on a conflict the changes are made on top of it again.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.data_pools.directory import PoolDirectory, no_pool
from serviceexecution.gateway.data_pools.kept import KeptContent
from serviceexecution.gateway.data_pools.limits import PoolLimits
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.kube.errors import ConflictError
from serviceexecution.kube.kinds import DATA_POOLS
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.store.errors import StoreError
from serviceexecution.store.pools.changes import Change
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.records import PoolIndex
from serviceexecution.store.store import ResultStore

_TRIES: Final = 20
_PAUSE_SECONDS: Final = 0.05
_AT_ONCE: Final = 200
"""Most changes that are written as one state."""
_LOOKED_BACK: Final = 200
"""States through which is looked for one that may have been the pool's."""
_SUM_SECONDS: Final = 5.0
"""How long the size of a namespace's data pools is believed."""


@dataclass(slots=True)
class _Waiting:
    """Changes of one request, which become part of the same state."""

    changes: Sequence[Change]
    done: asyncio.Future[PoolIndex]


@dataclass(slots=True)
class _Line:
    """The requests that wait for one pool."""

    waiting: list[_Waiting] = field(default_factory=list)
    worker: asyncio.Task[None] | None = None


class PoolHeads:
    """State owner of the changes that wait."""

    def __init__(
        self, client: GatewayKubernetes, store: ResultStore, directory: PoolDirectory, limits: PoolLimits
    ) -> None:
        self._client = client
        self._store = store
        self._directory = directory
        self.limits = limits
        """How much data pools may hold."""
        self.kept = KeptContent(store.pools, limits.namespace_bytes)
        """How much content is kept of them."""
        self._lines: dict[PoolReference, _Line] = {}
        self._sums: ExpiringCache[str, dict[str, int]] = ExpiringCache(seconds=_SUM_SECONDS, capacity=1000)

    async def apply(self, pool: PoolReference, changes: Sequence[Change]) -> PoolIndex:
        """Make the changes on top of whatever the pool's state is, and return the new state.

        Raises Problem 404 when the pool is gone, 413 above a limit, 503; StoreError; KubernetesError. A caller that is
        cancelled does not undo them.
        """
        line = self._lines.setdefault(pool, _Line())
        done: asyncio.Future[PoolIndex] = asyncio.get_running_loop().create_future()
        done.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        line.waiting.append(_Waiting(changes, done))
        if line.worker is None:
            line.worker = asyncio.create_task(self._work(pool, line))
        return await asyncio.shield(done)

    async def replace(self, reference: PoolReference, base: str | None, index: PoolIndex) -> bool:
        """Make a state that is written the pool's if it is still the one of digest ``base``.

        Returns False when another writer was faster. Repeating it changes nothing, also when others have written on top
        of it meanwhile. Raises as ``apply``.
        """
        pools = self._store.pools
        for attempt in range(_TRIES):
            pool = await self._directory.pool(reference.namespace, reference.uid)
            if pool is None:
                raise no_pool(reference.uid)
            if (pool.status.index or None) != base:
                return await self._has_been(reference, pool.status.index, base, index)
            before = await pools.read_index(reference, base)
            others = await self._others(pool) if index.bytes > before.bytes else 0
            self.limits.check_pool(before, index, others)
            try:
                await self._patch(pool, index)
            except ConflictError:
                await asyncio.sleep(_PAUSE_SECONDS * (attempt + 1))
                continue
            return True
        raise _busy()

    async def current(self, reference: PoolReference) -> str | None:
        """Return the digest of the state that a data pool names now. Raises Problem 404; KubernetesError."""
        pool = await self._directory.pool(reference.namespace, reference.uid)
        if pool is None:
            raise no_pool(reference.uid)
        return pool.status.index or None

    async def _has_been(
        self, pool: PoolReference, head: str | None, base: str | None, wanted: PoolIndex
    ) -> bool:
        """Tell whether a state is the pool's, or one of those that its newest ones were made from."""
        digest = head
        for _ in range(_LOOKED_BACK):
            if digest == wanted.digest:
                return True
            if digest is None or digest == base:
                return False
            try:
                digest = (await self._store.pools.read_index(pool, digest)).root.previous
            except StoreError as error:
                if error.retriable:
                    raise
                return False  # So old that the sweep has it
        return False

    async def _work(self, pool: PoolReference, line: _Line) -> None:
        while line.waiting:
            batch, line.waiting[:_AT_ONCE] = line.waiting[:_AT_ONCE], []
            await self._make(pool, batch)
        line.worker = None
        self._lines.pop(pool, None)

    async def _make(self, pool: PoolReference, batch: list[_Waiting]) -> None:
        try:
            index = await self._moved(pool, batch)
        except asyncio.CancelledError:
            _fail(batch, unavailable("Ending", "This gateway is ending; try again."))
            raise
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
            if isinstance(error, Problem) and len(batch) > 1:
                for one in batch:  # One that is too large must not refuse those beside it
                    await self._make(pool, [one])
            else:
                _fail(batch, error)
        else:
            for one in batch:
                if not one.done.done():
                    one.done.set_result(index)

    async def _moved(self, reference: PoolReference, batch: list[_Waiting]) -> PoolIndex:
        pools = self._store.pools
        for attempt in range(_TRIES):
            pool = await self._directory.pool(reference.namespace, reference.uid)
            if pool is None:
                raise no_pool(reference.uid)
            before = await pools.read_index(reference, pool.status.index)
            changes = [change for one in batch for change in one.changes]
            changes = [await self._settled(reference, before, change) for change in changes]
            planned = await pools.plan(reference, before, changes)
            if planned.index == before:
                return before
            others = await self._others(pool) if planned.index.bytes > before.bytes else 0
            self.limits.check_pool(before, planned.index, others)
            await pools.write_index(reference, planned)
            try:
                await self._patch(pool, planned.index)
            except ConflictError:
                await asyncio.sleep(_PAUSE_SECONDS * (attempt + 1))
                continue
            await self._noted(reference, changes)
            return planned.index
        raise _busy()

    async def _settled(self, pool: PoolReference, before: PoolIndex, change: Change) -> Change:
        """Return the change with what the state already has: the same file again changes nothing, and content that
        another file has is not kept twice."""
        file = change.file
        if file is None:
            return change
        old = await self._store.pools.find(pool, before, file.id)
        if old is not None and (old.sha256, old.content_type) == (file.sha256, file.content_type):
            return Change.put(old)
        same = await self._store.pools.find_content(pool, before, file.sha256)
        return change if same is None else Change.put(file.model_copy(update={"blob": same.blob}))

    async def _others(self, pool: Pool) -> int:
        namespace = pool.metadata.namespace
        sums = self._sums.get(namespace)
        if sums is None:
            sums = await self._directory.sizes(namespace)
            self._sums.put(namespace, sums)
        return sum(size for uid, size in sums.items() if uid != pool.metadata.uid)

    async def _patch(self, pool: Pool, index: PoolIndex) -> None:
        status: JsonObject = {"files": index.files, "bytes": index.bytes, "index": index.digest}
        metadata = pool.metadata
        patch: JsonObject = {"metadata": {"resourceVersion": metadata.resource_version}, "status": status}
        body = await self._client.patch(
            DATA_POOLS, metadata.namespace, metadata.name, patch, subresource="status"
        )
        if body is None:
            raise no_pool(metadata.uid)
        sums = self._sums.get(metadata.namespace)
        if sums is not None:
            sums[metadata.uid] = index.bytes

    async def _noted(self, pool: PoolReference, changes: Sequence[Change]) -> None:
        files = {change.file.sha256: change.file for change in changes if change.file is not None}
        with contextlib.suppress(StoreError):  # Without the note it is only kept once more
            for file in files.values():
                await self._store.pools.note_content(pool, file)


def _busy() -> Problem:
    return unavailable("DataPoolBusy", "The data pool is changed by others all the time; try again.")


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for one in batch:
        if not one.done.done():
            one.done.set_exception(error.copy() if isinstance(error, Problem) else error)
