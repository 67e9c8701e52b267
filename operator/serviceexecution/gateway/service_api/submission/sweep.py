"""Cleans up after gateways that died between two writes: adopts what has an execution, deletes what has none."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from serviceexecution.contract.json_types import JsonObject, metadata_of
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.service_api.submission.objects import ADOPTED_PATCH, owner_patch
from serviceexecution.kube.errors import ConflictError, KubernetesError
from serviceexecution.kube.kinds import CONFIG_MAPS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import LABEL_SUBMISSION, SUBMISSION_ADOPTED

logger = structlog.stdlib.get_logger()
FIRST_SECONDS: Final = 30.0
SWEEP_SECONDS: Final = 300.0
LEFTOVER_AGE: Final = timedelta(minutes=10)
"""A submission takes seconds; a client that repeats it does so within this time."""
SETTLED_PER_SWEEP: Final = 500
"""Most ConfigMaps of one namespace that a sweep touches: each costs two requests, and others' leftovers wait behind it.
The rest is for the next sweep."""
_NOT_ADOPTED: Final = f"{LABEL_SUBMISSION},{LABEL_SUBMISSION}!={SUBMISSION_ADOPTED}"


class SubmissionSweeper:
    """Looks at the ConfigMaps of submissions that no execution has adopted; each Secret goes with its ConfigMap. Any
    number may do it at once.

    It reads only their metadata, a page at a time: the inputs of all that ever ran are as large as the cluster.
    """

    def __init__(self, client: GatewayKubernetes, namespaces: tuple[str, ...] = ()) -> None:
        self._client = client
        self._namespaces = namespaces

    async def run(self) -> None:
        """Sweep for ever."""
        pause = FIRST_SECONDS
        while True:
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spread, not secrets
            pause = SWEEP_SECONDS
            try:
                await self.once(datetime.now(UTC))
            except KubernetesError as error:
                logger.warning("submissions are swept later", error=str(error))

    async def once(self, now: datetime) -> None:
        """Sweep once; raises KubernetesError."""
        for namespace in self._namespaces or (None,):
            settled: Counter[str] = Counter()
            pages = self._client.list_pages(
                CONFIG_MAPS, namespace, label_selector=_NOT_ADOPTED, metadata_only=True
            )
            async for page in pages:
                for config_map in page.items:
                    metadata = config_map.get("metadata")
                    if not isinstance(metadata, dict):
                        continue
                    of = str(metadata.get("namespace"))
                    settled[of] += 1
                    if settled[of] <= SETTLED_PER_SWEEP:
                        await self._settle(metadata, now)

    async def _settle(self, metadata: JsonObject, now: datetime) -> None:
        namespace, name = str(metadata.get("namespace")), str(metadata.get("name"))
        if metadata.get("ownerReferences"):  # Adopted before adoption was told by the label
            await self._client.patch(CONFIG_MAPS, namespace, name, ADOPTED_PATCH, metadata_only=True)
            return
        execution = await self._client.get(SERVICE_EXECUTIONS, namespace, name)
        if execution is not None:
            uid = metadata_of(execution).get("uid")
            await self._client.patch(
                CONFIG_MAPS, namespace, name, owner_patch(name, str(uid)), metadata_only=True
            )
            logger.info("submission adopted", namespace=namespace, execution=name)
            return
        if now - datetime.fromisoformat(str(metadata.get("creationTimestamp"))) < LEFTOVER_AGE:
            return
        try:
            # As it was seen: a repeated request that uses it again has touched it
            await self._client.delete(
                CONFIG_MAPS,
                namespace,
                name,
                uid=str(metadata.get("uid")),
                resource_version=str(metadata.get("resourceVersion")),
            )
        except ConflictError:
            return
        logger.info("leftover of a submission deleted", namespace=namespace, name=name)
