"""Keeps the status of data pools true, makes their claims, and has pods serve their volumes."""

import asyncio
import contextlib
from typing import Final, Self

import structlog
from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject, text_at
from serviceexecution.controller.clock import Clock, utc_now
from serviceexecution.controller.data_pools.decide import (
    LOOK_AGAIN_SECONDS,
    Said,
    claim_name,
    new_claim,
    new_status,
    said_of_claim,
    said_of_store,
)
from serviceexecution.controller.data_pools.volume_pods import Reach, VolumePods
from serviceexecution.controller.settings import ControllerSettings
from serviceexecution.controller.store_reads import StoreReads
from serviceexecution.controller.work.keys import PoolKey
from serviceexecution.controller.work.queue import WorkQueue
from serviceexecution.controller.work.worker import namespace_queue, work
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError, GoneError, KubernetesError
from serviceexecution.kube.kinds import DATA_POOLS, PERSISTENT_VOLUME_CLAIMS
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.resources.status_patch import status_patch
from serviceexecution.store.pools.pool_store import PoolStore

logger = structlog.stdlib.get_logger()
_WATCH_SECONDS: Final = 300
_PAUSE_SECONDS: Final = 5.0
_WORKERS: Final = 2
"""A namespace has one of them."""


class PoolKeeper:
    """State owner of the data pools that wait for a pass, in turns by namespace."""

    def __init__(
        self,
        client: KubernetesClient,
        volumes: VolumePods,
        *,
        namespaces: tuple[str, ...] = (),
        clock: Clock = utc_now,
    ) -> None:
        self._client = client
        self._volumes = volumes
        self._namespaces = namespaces
        self._clock = clock
        self._queue: WorkQueue[PoolKey] = namespace_queue(_WORKERS)

    @classmethod
    def of(
        cls,
        client: KubernetesClient,
        store: PoolStore,
        reads: StoreReads,
        settings: ControllerSettings,
        clock: Clock,
    ) -> Self:
        """Return the keeper of an installation."""
        volumes = VolumePods(client, store, reads, settings.pod, clock)
        return cls(client, volumes, namespaces=settings.namespaces, clock=clock)

    async def run(self) -> None:
        """Follow all data pools for ever."""
        async with asyncio.TaskGroup() as tasks:
            for namespace in self._namespaces or (None,):
                tasks.create_task(self._follow(namespace))
            for _ in range(_WORKERS):
                tasks.create_task(work(self._queue, self))

    async def reconcile(self, key: PoolKey) -> float | None:
        """Bring a data pool to the state that its spec asks for; return after how many seconds to look again."""
        body = await self._client.get(DATA_POOLS, key.namespace, key.name)
        if body is None:
            self._queue.forget(key)
            self._volumes.forget(key)
            return None
        pool = _read(body)
        if pool is None:
            return None
        claim, reach = claim_name(pool), Reach(pool.status.access)
        said = said_of_store() if claim is None else await self._said_of_claim(pool)
        if claim is not None and said.ready:
            pool, reach = await self._volumes.look(pool, claim)
        patch = self._patch(pool, said, reach)
        if patch:
            metadata = pool.metadata
            try:
                await self._client.patch(
                    DATA_POOLS,
                    metadata.namespace,
                    metadata.name,
                    {"metadata": {"resourceVersion": metadata.resource_version}, "status": patch},
                    subresource="status",
                )
            except ConflictError:
                return None  # The watch tells of the change
        return reach.look_again if said.ready else LOOK_AGAIN_SECONDS

    def _patch(self, pool: Pool, said: Said, reach: Reach) -> JsonObject:
        status = new_status(pool, said, self._clock(), access=reach.access, reach=reach.said)
        return status_patch(pool.status, status)

    def _take(self, body: JsonObject) -> None:
        """Queue a data pool, unless it is in the store and its status says so: each upload is such news."""
        pool = _read(body)
        if pool is None:
            return
        self._volumes.note(pool)
        if pool.is_on_claim or self._patch(pool, said_of_store(), Reach(None)):
            self._queue.add(PoolKey(pool.metadata.namespace, pool.metadata.name))

    async def _said_of_claim(self, pool: Pool) -> Said:
        namespace, wanted, refusal = pool.metadata.namespace, pool.spec.storage.claim, ""
        found = await self._client.get(PERSISTENT_VOLUME_CLAIMS, namespace, claim_name(pool) or "")
        if found is None and wanted is not None and wanted.existing is None:
            try:
                found = await self._client.create(
                    PERSISTENT_VOLUME_CLAIMS, namespace, new_claim(pool, wanted)
                )
            except KubernetesError as error:
                if error.retriable or isinstance(error, AlreadyExistsError):
                    raise
                refusal = str(error)
        return said_of_claim(pool, found, refusal)

    async def _follow(self, namespace: str | None) -> None:
        while True:
            try:
                await self._watch(namespace, await self._list(namespace))
            except GoneError:
                continue
            except KubernetesError as error:
                logger.warning("cannot watch", kind=DATA_POOLS.plural, error=str(error))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _list(self, namespace: str | None) -> str:
        version = ""
        self._volumes.forget_all(namespace)
        async for page in self._client.list_pages(DATA_POOLS, namespace):
            for body in page.items:
                self._take(body)
            version = page.resource_version
        return version

    async def _watch(self, namespace: str | None, version: str) -> None:
        while True:
            stream = self._client.watch(
                DATA_POOLS, namespace, timeout_seconds=_WATCH_SECONDS, resource_version=version
            )
            async with contextlib.aclosing(stream) as events:
                async for event in events:
                    version = text_at(event.object, "metadata", "resourceVersion") or version
                    if event.type in {"ADDED", "MODIFIED"}:
                        self._take(event.object)
                    elif event.type == "DELETED":
                        self._volumes.forget(_key(event.object))


def _key(body: JsonObject) -> PoolKey:
    return PoolKey(text_at(body, "metadata", "namespace"), text_at(body, "metadata", "name"))


def _read(body: JsonObject) -> Pool | None:
    """Return the data pool, None when it cannot be read or is being deleted."""
    try:
        pool = Pool.model_validate(body)
    except ValidationError as error:
        name = text_at(body, "metadata", "name")
        logger.warning("DataPool cannot be read", pool=name, errors=error.error_count())
        return None
    return pool if pool.metadata.deletion_timestamp is None else None
