"""Reads whole executions: from the texts that are kept of small ones, else from the API server."""

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

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

REMEMBERED: Final = 64
"""Executions that are remembered as they were read: those that passes look at now, several times in each version. The
texts are small, so that all of them together take some megabytes, however they are written."""


@dataclass(frozen=True, slots=True)
class ExecutionReader:
    """What it reads lives as long as the pass that asked for it, and a little longer when it is small."""

    client: KubernetesClient
    cache: ObjectCache
    _remembered: OrderedDict[ExecutionKey, tuple[bytes, ServiceExecution | UnreadableExecution]] = field(
        default_factory=OrderedDict
    )
    """With the text that each was read from."""

    async def read(
        self, key: ExecutionKey, record: CachedExecution
    ) -> ServiceExecution | UnreadableExecution | None:
        """Return the execution in the version of its record or a newer one, None when it is gone.

        Raises KubernetesError.
        """
        text = self.cache.texts.get(key)
        if text is None:
            return await self.read_anew(key, record.metadata.uid)
        remembered = self._remembered.get(key)
        if remembered is not None and remembered[0] is text:
            self._remembered.move_to_end(key)
            return remembered[1]
        body: JsonObject = json.loads(text)
        execution = read_execution(body)
        self._remembered[key] = text, execution
        self._remembered.move_to_end(key)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return execution

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
