"""Keeps the gateway's knowledge true by list and watch, and asks the API server about what it does not know."""

import asyncio
import contextlib
import random
from typing import Final

import structlog

from serviceexecution.contract.json_types import JsonObject, metadata_of, text_at
from serviceexecution.fairness.turns import NoTurnError
from serviceexecution.fairness.work import SMALL_BYTES, THREADS
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.caches.fair_room import FairCache
from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.http.problems import unavailable
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.state.absences import Absences
from serviceexecution.gateway.state.changes import Changes
from serviceexecution.gateway.state.definition_index import (
    DefinitionIndex,
    KnownDefinition,
    definition_of_text,
    definition_text,
    known_definition,
)
from serviceexecution.gateway.state.execution_index import ExecutionIndex
from serviceexecution.gateway.state.known_execution import KnownExecution, known_execution, version_of
from serviceexecution.gateway.state.object_index import ObjectIndex
from serviceexecution.kube.errors import GoneError, HistoryError, KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS, ResourceKind
from serviceexecution.kube.versions import number_of
from serviceexecution.resources.services.definition import ServiceDefinition

logger = structlog.stdlib.get_logger()
_WATCH_SECONDS: Final = 300
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 15.0
FRESH_SECONDS: Final = 1.0
"""How long what the API server has just said of a service is taken instead of asking again."""
FRESH_NAMES: Final = 1000
_AT_ONCE: Final = 20
"""Objects that are taken without a pause for requests: a small one takes a tenth of a millisecond, a huge one ten."""
_FORGOTTEN_AT_ONCE: Final = 5000
WHOLE_BYTES: Final = 8 * 2**20
"""Most memory for tags and messages that are too long to be remembered with each execution."""


class ServiceState:
    """Executions and definitions of all services, as watches and our own writes have told them.

    Reads are answered from memory, so that many who poll are no load on the API server. What is not known here is
    asked there before anybody is told that it does not exist. Objects are never held, whole, longer than it takes to
    read them: whoever may create executions decides how large they are.
    """

    def __init__(self, client: GatewayKubernetes, namespaces: tuple[str, ...] = ()) -> None:
        """``namespaces`` are those that are watched; none means all."""
        self._client = client
        self._namespaces = namespaces
        self.changes = Changes()
        """Tells of executions as they change."""
        self._executions = ExecutionIndex(changes=self.changes)
        self.queues, self.all_executions = self._executions.queues, self._executions.everything
        self._whole: FairCache[KnownExecution] = FairCache(WHOLE_BYTES)
        self._definitions = DefinitionIndex()
        self.definition_changes = self._definitions.changes
        self._lists: SingleFlight[tuple[str, str], list[KnownExecution]] = SingleFlight()
        self._absences = Absences()
        self._fresh: ExpiringCache[tuple[str, str], bool] = ExpiringCache(
            seconds=FRESH_SECONDS, capacity=FRESH_NAMES
        )
        self._questions: SingleFlight[tuple[str, str, str], JsonObject | None] = SingleFlight()
        self._newest: dict[tuple[ResourceKind, str | None], int] = {}
        """How far each watch has come."""
        self._listed: set[tuple[ResourceKind, str | None]] = set()
        self._current: set[tuple[ResourceKind, str | None]] = set()

    @property
    def ready(self) -> bool:
        """Tell whether everything has been listed once."""
        return len(self._listed) == 2 * len(self._namespaces or (None,))

    @property
    def knows_something(self) -> bool:
        """Tell whether there is any service, or an execution of one."""
        return bool(len(self._executions) or len(self._definitions))

    async def run(self) -> None:
        """Watch for ever. Raises HistoryError when the API server has an older state than before: what is known here is
        then newer than what there is.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                for namespace in self._namespaces or (None,):
                    tasks.create_task(self._follow(SERVICE_EXECUTIONS, namespace, self._executions))
                    tasks.create_task(self._follow(SERVICE_DEFINITIONS, namespace, self._definitions))
        except ExceptionGroup as group:
            older = group.subgroup(HistoryError)
            raise group if older is None else older.exceptions[0] from None

    def note(self, body: JsonObject) -> KnownExecution | None:
        """Take an execution that we have written ourselves, and return what is known of it now."""
        self._absences.end(body)
        return self._executions.put(body)

    def note_definition(self, body: JsonObject) -> KnownDefinition | None:
        """Take a service that we have written ourselves, and return what is known of it now."""
        self._absences.end(body)
        return self._definitions.put(body)

    async def definition(self, namespace: str, name: str) -> KnownDefinition | None:
        """Return what is known of the service, None when there is none; raises KubernetesError if nobody can say."""
        known = self._definitions.find(namespace, name)
        return known if known is not None else await self.fresh_definition(namespace, name)

    def known_definitions(self, namespace: str | None) -> list[KnownDefinition]:
        """Return what is known of the services of a namespace, or of all."""
        return self._definitions.of_namespace(namespace)

    async def fresh_definition(self, namespace: str, name: str) -> KnownDefinition | None:
        """Return the service as the API server has it, now or a second ago, None if none; raises KubernetesError."""
        known = self._definitions.find(namespace, name)
        if known is not None and self._fresh.get((namespace, name)):
            return known
        if self._absences.know(namespace, name):
            return None
        body = await self._ask(SERVICE_DEFINITIONS, namespace, name)
        if body is None:
            self._absences.add(namespace, name)
            return None
        if not self._is_watched(namespace):
            return known_definition(body)
        self._fresh.put((namespace, name), True)
        return self._definitions.put(body)

    async def whole_definition(self, known: KnownDefinition) -> ServiceDefinition | None:
        """Return the service with its schemas, and of its revisions the one that serves; None when there is none, or
        when it cannot be read. Raises KubernetesError, Problem 503.
        """
        namespace, name = known.metadata.namespace, known.metadata.name
        text = self._definitions.text(known)
        if text is None:
            body = await self._ask(SERVICE_DEFINITIONS, namespace, name)
            if body is None:
                return None
            if self._is_watched(namespace):
                self._definitions.put(body)
            text = definition_text(body)
        if text is None:
            return None
        if len(text) <= SMALL_BYTES:
            return definition_of_text(text)
        try:
            return await THREADS.run(namespace, definition_of_text, text)
        except NoTurnError:
            raise unavailable("Busy", "Too many large requests at once; try again.") from None

    def id_of(self, execution: KnownExecution) -> str:
        """Return the execution's id in the API, a UUID."""
        return self._executions.id_of(execution)

    def known_execution(self, namespace: str, service: str | None, api_id: str) -> KnownExecution | None:
        """Return the execution of a service, or of any, if it is known here; None says nothing."""
        return self._executions.find(namespace, service, api_id)

    async def execution(self, namespace: str, service: str | None, api_id: str) -> KnownExecution | None:
        """Return the execution of that service, or of any, and id; raises KubernetesError when that cannot be known."""
        known = self._executions.find(namespace, service, api_id)
        if known is not None or self._absences.know(namespace, service or "", api_id):
            return known
        found = await self._searched(namespace, service, api_id)
        if found is None:
            self._absences.add(namespace, service or "", api_id)
        return found

    async def body_of_execution(self, namespace: str, name: str) -> JsonObject | None:
        """Return any execution as the API server has it, None when there is none; raises KubernetesError."""
        if self._absences.know(namespace, "", name):
            return None
        body = await self._ask(SERVICE_EXECUTIONS, namespace, name)
        if body is None:
            self._absences.add(namespace, "", name)
        return body

    async def _searched(self, namespace: str, service: str | None, api_id: str) -> KnownExecution | None:
        body = await self._ask(SERVICE_EXECUTIONS, namespace, api_id)
        found = None if body is None else self._executions.put(body)
        if found is None and not self._is_current(namespace):
            # The id may be the uid of an execution that nobody told us of
            listed = await self._list_of(namespace, service)
            return next((one for one in listed if self._executions.id_of(one) == api_id), None)
        if found is None or service not in {None, found.service}:
            return None
        return found if self._executions.id_of(found) == api_id else None

    async def whole(self, execution: KnownExecution) -> KnownExecution | None:
        """Return the execution with tags and message of any length; None when it is gone; raises KubernetesError."""
        if not execution.cut:
            return execution
        kept = self._whole.get(execution.namespace, execution.name)
        if kept is not None and kept.uid == execution.uid and kept.version >= execution.version:
            return kept
        body = await self._ask(SERVICE_EXECUTIONS, execution.namespace, execution.name)
        found = None if body is None else known_execution(body, whole=True)
        if found is None or found.uid != execution.uid:
            return None
        self._whole.put(found.namespace, found.name, found, found.size)
        return found

    async def executions(self, namespace: str, service: str | None) -> list[KnownExecution]:
        """Return all known executions of a service, or of all, the oldest first; raises KubernetesError."""
        if not self._is_current(namespace):
            return await self._list_of(namespace, service)
        return list(self._executions.of_service(namespace, service))

    async def _list_of(self, namespace: str, service: str | None) -> list[KnownExecution]:
        return await self._lists.ask((namespace, service or ""), lambda: self._fresh_list(namespace, service))

    async def _fresh_list(self, namespace: str, service: str | None) -> list[KnownExecution]:
        found: dict[str, KnownExecution] = {}
        pages = self._client.list_pages(
            SERVICE_EXECUTIONS,
            namespace,
            field_selector=None if service is None else f"spec.serviceRef.name={service}",
        )
        async for page in pages:
            if page.begun_again:
                found.clear()
            for number, body in enumerate(page.items):
                execution = self._executions.put(body)
                if execution is not None and service in {None, execution.service}:
                    found[execution.uid] = execution
                if number % _AT_ONCE == 0:
                    await asyncio.sleep(0)
        return sorted(found.values(), key=lambda one: one.order)

    async def _ask(self, kind: ResourceKind, namespace: str, name: str) -> JsonObject | None:
        """Ask the API server, once for all who want to know the same."""
        return await self._questions.ask(
            (kind.plural, namespace, name), lambda: self._client.get(kind, namespace, name)
        )

    def _is_watched(self, namespace: str) -> bool:
        return not self._namespaces or namespace in self._namespaces

    def _is_current(self, namespace: str) -> bool:
        scope = namespace if self._namespaces else None
        return (SERVICE_EXECUTIONS, scope) in self._current

    async def _follow(self, kind: ResourceKind, namespace: str | None, index: ObjectIndex) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                version = await self._list(kind, namespace, index)
                pause = _FIRST_PAUSE
                await self._watch(kind, namespace, index, version)
            except GoneError:
                logger.info("the watch is too old; listing again", kind=kind.plural)
            except KubernetesError as error:
                logger.warning("cannot watch", kind=kind.plural, error=str(error))
            finally:
                self._current.discard((kind, namespace))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spread, not secrets
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _list(self, kind: ResourceKind, namespace: str | None, index: ObjectIndex) -> str:
        uids: set[str] = set()
        version = ""
        async for page in self._client.list_pages(kind, namespace):
            if page.begun_again:
                uids.clear()
            for number, body in enumerate(page.items):
                index.put(body)
                self._absences.end(body)
                uids.add(text_at(body, "metadata", "uid"))
                if number % _AT_ONCE == 0:
                    await asyncio.sleep(0)  # Thousands are read: let requests be answered meanwhile
            version = page.resource_version
        as_of = number_of(version)
        if as_of < self._newest.get((kind, namespace), 0):
            raise HistoryError(kind.plural, self._newest[kind, namespace], as_of)
        self._newest[kind, namespace] = as_of
        names = index.names(namespace)
        for start in range(0, len(names), _FORGOTTEN_AT_ONCE):
            index.drop_unlisted(names[start : start + _FORGOTTEN_AT_ONCE], uids, as_of)
            await asyncio.sleep(0)
        if kind == SERVICE_EXECUTIONS:
            self.changes.begin(namespace, as_of)
        self._listed.add((kind, namespace))
        self._current.add((kind, namespace))
        return version

    async def _watch(
        self, kind: ResourceKind, namespace: str | None, index: ObjectIndex, version: str
    ) -> None:
        """Follow changes until something breaks; a stream that ends in order is resumed where it was."""
        while True:
            stream = self._client.watch(
                kind, namespace, timeout_seconds=_WATCH_SECONDS, resource_version=version
            )
            async with contextlib.aclosing(stream) as events:
                async for event in events:
                    metadata = metadata_of(event.object)
                    of = text_at(metadata, "namespace")
                    version = text_at(metadata, "resourceVersion") or version
                    self._newest[kind, namespace] = number_of(version)
                    if kind == SERVICE_EXECUTIONS and of:
                        self.changes.reached(of, version_of(metadata))
                    if event.type == "DELETED":
                        index.drop(of, text_at(metadata, "name"), text_at(metadata, "uid"))
                    elif event.type != "BOOKMARK":
                        index.put(event.object)
                        self._absences.end(event.object)
