"""Lists everything now and then: finds what watches missed, and notices a watch that delivers nothing."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.cache import ExecutionKey, ObjectCache, Watched, uid_of
from serviceexecution.controller.deliveries import take_job, take_pod
from serviceexecution.controller.health import Health
from serviceexecution.controller.versions import version_of
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS, ResourceKind
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from serviceexecution.resources.views import JobView, PodView

logger = structlog.stdlib.get_logger()

WATCH_LAG_SECONDS: Final = 60.0
"""A watch that is this far behind a list is dead."""

_KINDS: Final[tuple[tuple[Watched, ResourceKind, str | None], ...]] = (
    (Watched.DEFINITIONS, SERVICE_DEFINITIONS, None),
    (Watched.JOBS, JOBS, LABEL_EXECUTION_UID),
    (Watched.PODS, PODS, LABEL_EXECUTION_UID),
    (Watched.EXECUTIONS, SERVICE_EXECUTIONS, None),
)


class Resync:
    """Compares the cache with what the API server lists."""

    def __init__(
        self,
        client: KubernetesClient,
        cache: ObjectCache,
        health: Health,
        add: Callable[[ExecutionKey], None],
        add_definition: Callable[[ExecutionKey], None],
        *,
        namespaces: tuple[str, ...],
    ) -> None:
        self._add_definition = add_definition
        self._client = client
        self._cache = cache
        self._health = health
        self._add = add
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)

    async def run(self, every_seconds: float) -> None:
        """Resync for ever."""
        while True:
            await asyncio.sleep(every_seconds)
            try:
                await self.check()
            except KubernetesError as error:
                logger.warning("resync failed; it is repeated later", error=str(error))

    async def check(self) -> None:
        """Resync, and notice a watch that does not deliver what the lists show."""
        await self._check_watches(await self.once())

    async def once(self) -> dict[Watched, int]:
        """List all kinds and queue every execution; return each kind's newest resource version."""
        newest: dict[Watched, int] = {}
        for watched, kind, selector in _KINDS:
            lists = [
                await self._client.list(kind, namespace, label_selector=selector)
                for namespace in self._namespaces
            ]
            items = [item for found in lists for item in found.items]
            newest[watched] = max((version_of(item) for item in items), default=0)
            version = min(int(found.resource_version or 0) for found in lists)
            self._take(watched, items, version)
        return newest

    def _take(self, watched: Watched, items: list[JsonObject], version: int) -> None:
        listed: set[str] = set()
        for item in items:
            listed.add(uid_of(item))
            if watched is Watched.JOBS:
                take_job(self._cache, JobView.model_validate(item))
            elif watched is Watched.PODS:
                take_pod(self._cache, PodView.model_validate(item))
            elif watched is Watched.DEFINITIONS:
                self._add_definition(ExecutionKey(*self._cache.put_definition(item)))
            else:
                self._add(self._cache.put_execution(item))
        for key in self._cache.drop_unlisted(watched, listed, version):
            logger.info(
                "a deletion was not seen", kind=watched.value, namespace=key.namespace, execution=key.name
            )
            self._add(key)
        for service in self._cache.drop_unlisted_of_services(watched, listed, version):
            logger.info(
                "a deletion was not seen",
                kind=watched.value,
                namespace=service.namespace,
                service=service.name,
            )
            self._add_definition(ExecutionKey(*service))

    async def _check_watches(self, newest: dict[Watched, int]) -> None:
        behind = [kind for kind, version in newest.items() if self._cache.watched_version(kind) < version]
        if not behind:
            self._health.stale_watch = ""
            return
        await asyncio.sleep(WATCH_LAG_SECONDS)
        still = [kind for kind in behind if self._cache.watched_version(kind) < newest[kind]]
        self._health.stale_watch = ", ".join(still)
