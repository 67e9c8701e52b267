"""Keeps the status of data pools true, and makes their claims."""

import asyncio
import contextlib
from typing import Final

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
from serviceexecution.fairness.payers import namespace_payer, paid_by
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import AlreadyExistsError, ConflictError, GoneError, KubernetesError
from serviceexecution.kube.kinds import DATA_POOLS, PERSISTENT_VOLUME_CLAIMS
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.resources.status_patch import status_patch

logger = structlog.stdlib.get_logger()
_WATCH_SECONDS: Final = 300
_PAUSE_SECONDS: Final = 5.0


class PoolKeeper:
    """State owner of the data pools that are looked at again later."""

    def __init__(
        self, client: KubernetesClient, *, namespaces: tuple[str, ...] = (), clock: Clock = utc_now
    ) -> None:
        self._client = client
        self._namespaces = namespaces
        self._clock = clock
        self._again: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follow all data pools for ever."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for namespace in self._namespaces or (None,):
                    tasks.create_task(self._follow(namespace))
        finally:
            for task in self._again.values():
                task.cancel()

    async def keep(self, body: JsonObject) -> None:
        """Bring one data pool to the state that its spec asks for."""
        try:
            pool = Pool.model_validate(body)
        except ValidationError as error:
            name = text_at(body, "metadata", "name")
            logger.warning("DataPool cannot be read", pool=name, errors=error.error_count())
            return
        if pool.metadata.deletion_timestamp is not None:
            return
        with paid_by(namespace_payer(pool.metadata.namespace)):
            try:
                await self._pass(pool)
            except ConflictError:
                return  # The watch tells of the change
            except KubernetesError as error:
                logger.warning(
                    "pass failed",
                    namespace=pool.metadata.namespace,
                    pool=pool.metadata.name,
                    error=str(error),
                )
                self._look_again(pool)

    async def _pass(self, pool: Pool) -> None:
        said = said_of_store() if claim_name(pool) is None else await self._said_of_claim(pool)
        patch = status_patch(pool.status, new_status(pool, said, self._clock()))
        if patch:
            metadata = pool.metadata
            await self._client.patch(
                DATA_POOLS,
                metadata.namespace,
                metadata.name,
                {"metadata": {"resourceVersion": metadata.resource_version}, "status": patch},
                subresource="status",
            )
        if not said.ready:
            self._look_again(pool)

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

    def _look_again(self, pool: Pool) -> None:
        key = (pool.metadata.namespace, pool.metadata.name)
        if key not in self._again:
            task = asyncio.create_task(self._later(*key))
            self._again[key] = task

    async def _later(self, namespace: str, name: str) -> None:
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        self._again.pop((namespace, name), None)
        with contextlib.suppress(KubernetesError):
            body = await self._client.get(DATA_POOLS, namespace, name)
            if body is not None:
                await self.keep(body)

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
        async for page in self._client.list_pages(DATA_POOLS, namespace):
            for body in page.items:
                await self.keep(body)
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
                        await self.keep(event.object)
