"""Keeps the gateway's knowledge true by list and watch, and asks the API server about what it does not know."""

import asyncio
import contextlib
import random
from typing import Final, Protocol

import structlog

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.state.index import (
    DefinitionIndex,
    ExecutionIndex,
    readable_definition,
    readable_execution,
)
from serviceexecution.kube.errors import GoneError, KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS, ResourceKind
from serviceexecution.resources.definition import ServiceDefinition
from serviceexecution.resources.execution import ServiceExecution

_LOGGER: Final = structlog.get_logger(__name__)
_WATCH_SECONDS: Final = 300
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 15.0


class _Index(Protocol):
    def put(self, body: JsonObject) -> object: ...
    def drop(self, namespace: str, name: str, uid: str) -> None: ...
    def drop_unlisted(self, listed: set[str], version: int, namespace: str | None) -> None: ...


class ServiceState:
    """Executions and definitions of all services, as watches and our own writes have told them.

    Reads are answered from memory, so that many who poll are no load on the API server. What is not known here is
    asked there before anybody is told that it does not exist.
    """

    def __init__(self, client: GatewayKubernetes, namespaces: tuple[str, ...] = ()) -> None:
        """``namespaces`` are those that are watched; none means all."""
        self._client = client
        self._namespaces = namespaces
        self._executions = ExecutionIndex()
        self._definitions = DefinitionIndex()
        self._listed: set[tuple[ResourceKind, str | None]] = set()
        self._current: set[tuple[ResourceKind, str | None]] = set()

    @property
    def ready(self) -> bool:
        """Tell whether everything has been listed once."""
        return len(self._listed) == 2 * len(self._namespaces or (None,))

    async def run(self) -> None:
        """Watch for ever."""
        async with asyncio.TaskGroup() as tasks:
            for namespace in self._namespaces or (None,):
                tasks.create_task(self._follow(SERVICE_EXECUTIONS, namespace, self._executions))
                tasks.create_task(self._follow(SERVICE_DEFINITIONS, namespace, self._definitions))

    def note(self, body: JsonObject) -> None:
        """Take an execution that we have written ourselves."""
        self._executions.put(body)

    async def definition(self, namespace: str, name: str) -> ServiceDefinition | None:
        """Return the service, None when there is none; raises KubernetesError when that cannot be known."""
        known = self._definitions.find(namespace, name)
        return known if known is not None else await self.fresh_definition(namespace, name)

    async def fresh_definition(self, namespace: str, name: str) -> ServiceDefinition | None:
        """Return the service as the API server has it now, None when there is none; raises KubernetesError."""
        body = await self._client.get(SERVICE_DEFINITIONS, namespace, name)
        if body is None:
            return None
        return self._definitions.put(body) if self._is_watched(namespace) else readable_definition(body)

    def known_execution(self, namespace: str, service: str, api_id: str) -> ServiceExecution | None:
        """Return the execution if it is known here; None says nothing."""
        return self._executions.find(namespace, service, api_id)

    async def execution(self, namespace: str, service: str, api_id: str) -> ServiceExecution | None:
        """Return the execution of that service and id; raises KubernetesError when that cannot be known."""
        known = self._executions.find(namespace, service, api_id)
        if known is not None:
            return known
        body = await self._client.get(SERVICE_EXECUTIONS, namespace, api_id)
        found = None if body is None else self._take(body)
        if found is None and not self._is_current(namespace):
            # the id may be the uid of an execution that nobody told us of
            await self.executions(namespace, service)
            return self._executions.find(namespace, service, api_id)
        if found is None or found.spec.service_ref is None or found.spec.service_ref.name != service:
            return None
        return found if found.api_id == api_id else None

    async def executions(self, namespace: str, service: str) -> list[ServiceExecution]:
        """Return all executions of a service, newest first; raises KubernetesError when they cannot be known."""
        if not self._is_current(namespace):
            listed = await self._client.list(
                SERVICE_EXECUTIONS, namespace, field_selector=f"spec.serviceRef.name={service}"
            )
            uids = set()
            for body in listed.items:
                execution = self._take(body)
                if execution is not None:
                    uids.add(execution.metadata.uid)
            found = [
                known
                for known in self._executions.of_service(namespace, service)
                if known.metadata.uid in uids
            ]
        else:
            found = list(self._executions.of_service(namespace, service))
        return sorted(
            found, key=lambda one: (one.metadata.creation_timestamp, one.metadata.name), reverse=True
        )

    def _take(self, body: JsonObject) -> ServiceExecution | None:
        return self._executions.put(body) or readable_execution(body)

    def _is_watched(self, namespace: str) -> bool:
        return not self._namespaces or namespace in self._namespaces

    def _is_current(self, namespace: str) -> bool:
        scope = namespace if self._namespaces else None
        return (SERVICE_EXECUTIONS, scope) in self._current

    async def _follow(self, kind: ResourceKind, namespace: str | None, index: _Index) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                version = await self._list(kind, namespace, index)
                pause = _FIRST_PAUSE
                await self._watch(kind, namespace, index, version)
            except GoneError:
                _LOGGER.info("the watch is too old; listing again", kind=kind.plural)
            except KubernetesError as error:
                _LOGGER.warning("cannot watch", kind=kind.plural, error=str(error))
            finally:
                self._current.discard((kind, namespace))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spread, not secrets
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _list(self, kind: ResourceKind, namespace: str | None, index: _Index) -> str:
        listed = await self._client.list(kind, namespace)
        uids = set()
        for body in listed.items:
            index.put(body)
            uids.add(_text(body, "uid"))
            await asyncio.sleep(0)  # thousands are read: let requests be answered meanwhile
        version = listed.resource_version
        index.drop_unlisted(uids, int(version) if version.isdecimal() else 0, namespace)
        self._listed.add((kind, namespace))
        self._current.add((kind, namespace))
        return version

    async def _watch(self, kind: ResourceKind, namespace: str | None, index: _Index, version: str) -> None:
        """Follow changes until something breaks; a stream that ends in order is resumed where it was."""
        while True:
            stream = self._client.watch(
                kind, namespace, timeout_seconds=_WATCH_SECONDS, resource_version=version
            )
            async with contextlib.aclosing(stream) as events:
                async for event in events:
                    version = _text(event.object, "resourceVersion") or version
                    if event.type == "DELETED":
                        body = event.object
                        index.drop(_text(body, "namespace"), _text(body, "name"), _text(body, "uid"))
                    elif event.type != "BOOKMARK":
                        index.put(event.object)


def _text(body: JsonObject, name: str) -> str:
    metadata = body.get("metadata")
    value = metadata.get(name) if isinstance(metadata, dict) else None
    return value if isinstance(value, str) else ""
