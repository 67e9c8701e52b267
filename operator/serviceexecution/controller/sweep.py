"""Deletes, now and then, what is stored of executions that were deleted days ago."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from serviceexecution.controller.cache import uid_of
from serviceexecution.controller.metrics import SWEEP_REFUSED, SWEPT
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.store.errors import StoreError
from serviceexecution.store.store import ResultStore
from serviceexecution.store.sweep import SweepRules, sweep

logger = structlog.stdlib.get_logger()

SWEEP_SECONDS: Final = 3600.0
FIRST_SWEEP_SECONDS: Final = 60.0
LARGEST_SHARE: Final = 0.5
"""A cluster that was restored from a backup has other uids: nearly everything stored looks forsaken then."""
ALWAYS_ALLOWED: Final = 20


def sweep_rules(*, retention: timedelta, allow_bulk: bool) -> SweepRules:
    """Return how carefully to sweep; ``allow_bulk`` is for somebody who knows why so much has gone."""
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
    ) -> None:
        self._client = client
        self._store = store
        self._namespaces = namespaces
        self._rules = rules

    async def run(self) -> None:
        """Sweep for ever."""
        await asyncio.sleep(FIRST_SWEEP_SECONDS)
        while True:
            try:
                await self.once(datetime.now(UTC))
            except (KubernetesError, StoreError) as error:
                logger.warning("sweep failed; it is repeated later", error=str(error))
            await asyncio.sleep(SWEEP_SECONDS)

    async def once(self, now: datetime) -> None:
        """Sweep once and tell what was done."""
        plan = await sweep(
            self._store, self._live_uids, now, namespaces=self._namespaces or None, rules=self._rules
        )
        SWEPT.inc(len(plan.delete))
        SWEEP_REFUSED.set(1 if plan.refused else 0)
        for namespace, uid in plan.delete:
            logger.info("results deleted: their execution is gone", namespace=namespace, uid=uid)
        if plan.refused:
            logger.error(
                "the store is not swept: after a restored backup this would delete good results; "
                "set store.sweep.allowBulk in the chart's values if it is right",
                refused=plan.refused,
            )

    async def _live_uids(self) -> Collection[str]:
        return {
            uid_of(item)
            for namespace in self._namespaces or (None,)
            for item in (await self._client.list(SERVICE_EXECUTIONS, namespace)).items
        }
