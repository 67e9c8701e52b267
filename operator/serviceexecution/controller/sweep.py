"""Deletes, now and then, what is stored of executions and builds that were deleted days ago, and old sources."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from datetime import datetime, timedelta
from typing import Final

import structlog

from serviceexecution.contract.json_types import JsonObject, JsonValue, text_at
from serviceexecution.controller.clock import Clock, utc_now
from serviceexecution.controller.known.cache import uid_of
from serviceexecution.controller.metrics import POOL_OBJECTS_SWEPT, SOURCES_SWEPT, SWEEP_REFUSED, SWEPT
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import DATA_POOLS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS, ResourceKind
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.store.builds.sources import SourceKey
from serviceexecution.store.errors import StoreError
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.pool_sweep import Running, sweep_pools
from serviceexecution.store.source_sweep import sweep_sources
from serviceexecution.store.store import ResultStore
from serviceexecution.store.sweep import SweepRules, sweep
from serviceexecution.store.usage.sums import fold_usage

logger = structlog.stdlib.get_logger()

SWEEP_SECONDS: Final = 3600.0
FIRST_SWEEP_SECONDS: Final = 60.0
LARGEST_SHARE: Final = 0.5
"""A cluster that was restored from a backup has other uids: nearly everything stored looks forsaken then."""
ALWAYS_ALLOWED: Final = 20
_NOT_ENDED: Final = ",".join(f"status.phase!={phase}" for phase in Phase if phase.terminal)


def sweep_rules(*, retention: timedelta, allow_bulk: bool) -> SweepRules:
    """Return how carefully to sweep; ``allow_bulk`` is for an operator who knows why so much is gone."""
    return SweepRules(
        tombstone_age=retention,
        largest_share=1.0 if allow_bulk else LARGEST_SHARE,
        always_allowed=ALWAYS_ALLOWED,
    )


class Sweeper:
    """Sweeps the store of one cluster, or of the namespaces that are watched."""

    def __init__(
        self,
        client: KubernetesClient,
        store: ResultStore,
        *,
        namespaces: tuple[str, ...],
        rules: SweepRules,
        clock: Clock = utc_now,
    ) -> None:
        self._client = client
        self._store = store
        self._namespaces = namespaces
        self._rules = rules
        self._clock = clock

    async def run(self) -> None:
        """Sweep for ever."""
        await asyncio.sleep(FIRST_SWEEP_SECONDS)
        while True:
            try:
                await self.once(self._clock())
            except (KubernetesError, StoreError) as error:
                logger.warning("sweep failed; it is repeated later", error=str(error))
            await asyncio.sleep(SWEEP_SECONDS)

    async def once(self, now: datetime) -> None:
        """Sweep once and tell what was done."""
        plan = await sweep(
            self._store, self._live_uids, now, namespaces=self._namespaces or None, rules=self._rules
        )
        SWEPT.inc(len(plan.delete) + len(plan.expire))
        SWEEP_REFUSED.set(1 if plan.refused else 0)
        for namespace, uid in plan.delete:
            logger.info("results deleted: their execution is gone", namespace=namespace, uid=uid)
        for namespace, uid in plan.expire:
            logger.info("results deleted: their resultRetention is over", namespace=namespace, uid=uid)
        if plan.failed:
            logger.warning("sweep did not do all; it is repeated later", error=plan.failed)
        if plan.suspicious:
            logger.warning(
                "many executions are gone; their results stay as long as store.retention says, and longer while they "
                "are more than half of all results",
                gone=plan.suspicious,
            )
        if plan.refused:
            logger.error(
                "the store is not swept: after a restored backup this would delete good results; "
                "set store.sweep.allowBulk in the chart's values if it is right",
                refused=plan.refused,
            )

        await self._sweep_sources(now)
        await self._sweep_pools(now)
        folded = await fold_usage(self._store.usage_sums, now, namespaces=self._namespaces)
        if folded:
            logger.info("usage summed up", executions=folded)

    async def _sweep_pools(self, now: datetime) -> None:
        heads: dict[PoolReference, str | None] = {}
        async for page in self._pages(DATA_POOLS):
            for item in page:
                pool = PoolReference(text_at(item, "metadata", "namespace"), uid_of(item))
                heads[pool] = text_at(item, "status", "index") or None
        result = await sweep_pools(
            self._store.pool_sweep,
            heads,
            await self._running() if heads else Running(),
            now,
            namespaces=self._namespaces or None,
            age=self._rules.tombstone_age,
            largest_share=self._rules.largest_share,
            always_allowed=self._rules.always_allowed,
        )
        POOL_OBJECTS_SWEPT.inc(result.deleted)
        for pool in result.gone:
            logger.info("data pool deleted from the store", namespace=pool.namespace, uid=pool.uid)
        if result.failed:
            logger.warning("sweep of data pools did not do all; it is repeated later", error=result.failed)
        if result.refused:
            SWEEP_REFUSED.set(1)
            logger.error("data pools that are gone are not deleted from the store", refused=result.refused)

    async def _running(self) -> Running:
        """Return what executions that have not ended use of data pools."""
        indexes: set[str] = set()
        executions: set[str] = set()
        async for page in self._pages(SERVICE_EXECUTIONS, field_selector=_NOT_ENDED):
            for item in page:
                indexes.update(_texts(item, "status", "dataPools", "index"))
                executions.add(uid_of(item))
        return Running(indexes, executions)

    async def _sweep_sources(self, now: datetime) -> None:
        sources = await sweep_sources(
            self._store.sources,
            self._used_sources,
            now,
            namespaces=self._namespaces or None,
            rules=self._rules,
        )
        SOURCES_SWEPT.inc(len(sources.delete))
        for namespace, digest in sources.delete:
            logger.info("source deleted: no service is built from it", namespace=namespace, digest=digest)
        if sources.refused:
            SWEEP_REFUSED.set(1)
            logger.error("sources are not swept", refused=sources.refused)

    async def _live_uids(self) -> Collection[str]:
        """Return the uids of all executions, and those that the builds of all services are stored under."""
        live: set[str] = set()
        async for page in self._pages(SERVICE_EXECUTIONS, metadata_only=True):
            live.update(map(uid_of, page))
        async for page in self._pages(SERVICE_DEFINITIONS):
            for item in page:
                live |= {f"{uid_of(item)}.{name}" for name in _texts(item, "status", "revisions", "name")}
        return live

    async def _used_sources(self) -> Collection[SourceKey]:
        """Return namespace and digest of every archive that a service is built from, or was in a listed revision."""
        used: set[SourceKey] = set()
        async for page in self._pages(SERVICE_DEFINITIONS):
            for item in page:
                namespace = text_at(item, "metadata", "namespace")
                digests = [
                    *_texts(item, "spec", "source", "archive", "digest"),
                    *_texts(item, "status", "revisions", "sourceDigest"),
                ]
                used |= {(namespace, digest.removeprefix("sha256:")) for digest in digests}
        return used

    async def _pages(
        self, kind: ResourceKind, *, metadata_only: bool = False, field_selector: str | None = None
    ) -> AsyncGenerator[list[JsonObject], None]:
        """Give all objects page by page. A list that was begun again shows some of them twice, which does no harm."""
        for namespace in self._namespaces or (None,):
            async for page in self._client.list_pages(
                kind, namespace, metadata_only=metadata_only, field_selector=field_selector
            ):
                yield page.items


def _texts(value: JsonValue, *path: str) -> list[str]:
    """Return the texts at a path through objects, and through all members of lists.

    What is read here is read without the models: an object of another version must not lose what it needs.
    """
    if isinstance(value, list):
        return [text for member in value for text in _texts(member, *path)]
    if not path:
        return [value] if isinstance(value, str) else []
    return _texts(value.get(path[0]), *path[1:]) if isinstance(value, dict) else []
