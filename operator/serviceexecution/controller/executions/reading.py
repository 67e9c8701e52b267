"""Reads whole executions: from the texts that are kept of small ones, else from the API server."""

import json
from dataclasses import dataclass

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.known.cache import ObjectCache, uid_of
from serviceexecution.controller.known.cached_execution import (
    CachedExecution,
    UnreadableExecution,
    read_execution,
)
from serviceexecution.controller.work.keys import ExecutionKey
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.executions.execution import ServiceExecution


@dataclass(frozen=True, slots=True)
class ExecutionReader:
    """What it reads lives as long as the pass that asked for it."""

    client: KubernetesClient
    cache: ObjectCache

    async def read(
        self, key: ExecutionKey, record: CachedExecution
    ) -> ServiceExecution | UnreadableExecution | None:
        """Return the execution in the version of its record or a newer one, None when it is gone.

        Raises KubernetesError.
        """
        text = self.cache.texts.get(key)
        if text is not None:
            body: JsonObject = json.loads(text)
            return read_execution(body)
        return await self.read_anew(key, record.metadata.uid)

    async def read_anew(self, key: ExecutionKey, uid: str) -> ServiceExecution | UnreadableExecution | None:
        """Return the execution of that uid as the API server has it; what is gone is forgotten.

        Raises KubernetesError.
        """
        body = await self.client.get(SERVICE_EXECUTIONS, key.namespace, key.name)
        if body is None or uid_of(body) != uid:
            self.cache.drop_execution(key, uid)
        if body is None:
            return None
        self.cache.put_execution(body)
        return read_execution(body) if uid_of(body) == uid else None
