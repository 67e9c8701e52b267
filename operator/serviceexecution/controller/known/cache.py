"""The newest state of executions and their children, as watches and our own writes have told it.

The one owner of that state. It may lag behind the API server and may miss a deletion (Kopf makes none up after
it had to list again), so nobody concludes anything from an object's absence here without asking the API server.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject, text_at
from serviceexecution.controller.known.cached_execution import (
    CachedExecution,
    LiveExecution,
    recorded,
    small_text,
)
from serviceexecution.controller.known.jobs_and_pods import JobsAndPods
from serviceexecution.controller.known.listed import Shown
from serviceexecution.controller.known.service_runs import ServiceRuns
from serviceexecution.controller.known.small_texts import SmallTexts
from serviceexecution.controller.known.unreadable import UnreadableDefinition, unreadable_definition
from serviceexecution.controller.known.weight import is_within
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.kube.versions import newer, number_of, version_of
from serviceexecution.resources.names import LABEL_DEFINITION_UID, LABEL_EXECUTION_UID
from serviceexecution.resources.services.definition import ServiceDefinition

DEFINITION_BYTES: Final = 256 * 1024
"""Most of a ServiceDefinition's spec: two schemas of 64 KiB and as much for the rest, read in one step."""


class Watched(StrEnum):
    """The kinds of objects that are watched."""

    EXECUTIONS = "serviceexecutions"
    JOBS = "jobs"
    PODS = "pods"
    DEFINITIONS = "servicedefinitions"


def _nothing(_: ServiceKey, __: bool) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class ObjectCache:
    """Executions and definitions by key; Jobs and pods by the uid of what they belong to."""

    executions: dict[ExecutionKey, CachedExecution] = field(default_factory=dict)
    texts: SmallTexts[ExecutionKey] = field(default_factory=SmallTexts)
    """JSON texts of executions in the versions of their records, of as many as there is room for."""
    _keys: dict[str, ExecutionKey] = field(default_factory=dict)
    runs: JobsAndPods = field(default_factory=lambda: JobsAndPods(LABEL_EXECUTION_UID))
    """Jobs and pods by the uid of their execution."""
    builds: JobsAndPods = field(default_factory=lambda: JobsAndPods(LABEL_DEFINITION_UID))
    """Jobs and pods by the uid of the definition that they build an image for."""
    definitions: dict[ServiceKey, ServiceDefinition] = field(default_factory=dict)
    unreadable: dict[ServiceKey, UnreadableDefinition] = field(default_factory=dict)
    """Definitions that do not fit the models."""
    _services: dict[str, ServiceKey] = field(default_factory=dict)
    """Definitions' keys by their uid."""
    _executions_of: dict[ServiceKey, ServiceRuns[ExecutionKey]] = field(default_factory=dict)
    """Executions of services that have not ended."""
    namespaces: tuple[str, ...] = ()
    """Those that are watched, each by a watch of its own; empty when one watch sees the whole cluster."""
    _watched: dict[tuple[Watched, str], int] = field(default_factory=dict)
    on_change: Callable[[ServiceKey, bool], None] = field(default=_nothing, compare=False)
    """Called when another execution of the service may be able to start, with True when the service itself changed."""

    def execution_of(self, uid: str | None) -> ExecutionKey | None:
        """Return the key of the execution with that uid."""
        return self._keys.get(uid) if uid is not None else None

    def watched_version(self, kind: Watched, namespace: str = "") -> int:
        """Return the newest resource version that a watch has delivered, that of ``namespace`` if it has its own."""
        return self._watched.get((kind, namespace), 0)

    def note_watched(self, kind: Watched, body: JsonObject) -> None:
        """Record that a watch delivered ``body``."""
        place = kind, self.scope_of(body)
        self._watched[place] = max(self._watched.get(place, 0), version_of(body))

    def scope_of(self, body: JsonObject) -> str:
        """Return the namespace whose watch delivers ``body``, empty when it is the cluster's."""
        namespace = text_at(body, "metadata", "namespace")
        return namespace if namespace in self.namespaces else ""

    def put_execution(self, body: JsonObject) -> ExecutionKey:
        """Take an execution if it is newer than what is known of it; return its key."""
        execution = recorded(body)
        metadata = execution.metadata
        key = ExecutionKey(metadata.namespace, metadata.name)
        known = self.executions.get(key)
        if known is not None:
            same = known.metadata.uid == metadata.uid
            if same and known.metadata.resource_version == metadata.resource_version != "":
                return key
            if not newer(metadata.resource_version, known.metadata.resource_version):
                return key
            if not same:
                self._forget_uid(known.metadata.uid)
        self.executions[key] = execution
        self._keys[metadata.uid] = key
        self.texts.put(key, small_text(body) if isinstance(execution, LiveExecution) else None)
        self._index(key, known, execution)
        return key

    def is_known(self, body: JsonObject) -> bool:
        """Tell whether the execution is known in that version; ``body`` needs nothing but its metadata."""
        key = self._keys.get(uid_of(body))
        known = self.executions.get(key) if key is not None else None
        return known is not None and number_of(known.metadata.resource_version) >= version_of(body) > 0

    def is_told(self, body: JsonObject) -> bool:
        """Tell whether a watch's word of an execution that has not ended is none: mostly it is of our own write.

        A pass that writes says itself when the next one is due. Ended ones are looked at once more all the same.
        """
        key = self._keys.get(uid_of(body))
        return key is not None and isinstance(self.executions.get(key), LiveExecution) and self.is_known(body)

    def drop_execution(self, key: ExecutionKey, uid: str) -> None:
        """Forget an execution that was deleted, unless another one has its name by now."""
        known = self.executions.get(key)
        if known is not None and known.metadata.uid == uid:
            del self.executions[key]
            self.texts.put(key, None)
            self._index(key, known, None)
        self._forget_uid(uid)

    def drop_unlisted(self, kind: Watched, shown: Shown) -> list[ExecutionKey | ServiceKey]:
        """Forget what a list should show and does not; return what it was, or whose it was."""
        if kind is Watched.EXECUTIONS:
            return [*self._drop_unlisted_executions(shown)]
        if kind is Watched.DEFINITIONS:
            return [*self._drop_unlisted_definitions(shown)]
        if kind is Watched.JOBS:
            runs, builds = self.runs.drop_unlisted_jobs(shown), self.builds.drop_unlisted_jobs(shown)
        else:
            runs, builds = self.runs.drop_unlisted_pods(shown), self.builds.drop_unlisted_pods(shown)
        executions = [self._keys[uid] for uid in runs if uid in self._keys]
        return [*executions, *(self._services[uid] for uid in builds if uid in self._services)]

    def _drop_unlisted_executions(self, shown: Shown) -> list[ExecutionKey]:
        gone = [(key, one.metadata.uid) for key, one in self.executions.items() if shown.lacks(one.metadata)]
        for key, uid in gone:
            self.drop_execution(key, uid)
        return [key for key, _ in gone]

    def _drop_unlisted_definitions(self, shown: Shown) -> list[ServiceKey]:
        gone = [(key, one.metadata.uid) for key, one in self.definitions.items() if shown.lacks(one.metadata)]
        gone += [(key, one.metadata.uid) for key, one in self.unreadable.items() if shown.lacks(one.metadata)]
        for key, uid in gone:
            self.drop_definition(key, uid)
        return [key for key, _ in gone]

    def executions_of(self, service: ServiceKey) -> ServiceRuns[ExecutionKey]:
        """Return the service's executions that have not ended."""
        return self._executions_of.get(service) or ServiceRuns()

    def definition(self, key: ServiceKey) -> ServiceDefinition | None:
        """Return the definition as last seen."""
        return self.definitions.get(key)

    def service_of(self, uid: str | None) -> ServiceKey | None:
        """Return the key of the service whose definition has that uid."""
        return self._services.get(uid) if uid is not None else None

    def put_definition(self, body: JsonObject) -> ServiceKey:
        """Take a definition if it is newer than what is known of it; return its key."""
        if not is_within(body.get("spec"), DEFINITION_BYTES):
            problem = f"spec: it has more than {DEFINITION_BYTES // 1024} KiB; shorten podTemplate, env or the schemas."
            return self._put_unreadable(unreadable_definition(body, problem))
        try:
            definition = ServiceDefinition.model_validate(body)
        except ValidationError as error:
            return self._put_unreadable(unreadable_definition(body, error))
        metadata = definition.metadata
        key = ServiceKey(metadata.namespace, metadata.name)
        self.unreadable.pop(key, None)
        known = self.definitions.get(key)
        if known is None or newer(metadata.resource_version, known.metadata.resource_version):
            if known is not None and known.metadata.uid != metadata.uid:
                self.drop_definition(key, known.metadata.uid)
            self.definitions[key] = definition
            self._services[metadata.uid] = key
            if known is None or _serves(known) != _serves(definition):
                self.on_change(key, True)
        return key

    def _put_unreadable(self, definition: UnreadableDefinition) -> ServiceKey:
        """Take one that was stored under the CRD of another version. Its status and its executions say that."""
        metadata = definition.metadata
        key = ServiceKey(metadata.namespace, metadata.name)
        known = self.definitions.get(key)
        if known is None or newer(metadata.resource_version, known.metadata.resource_version):
            if known is not None:
                self.drop_definition(key, known.metadata.uid)
            self.unreadable[key] = definition
        return key

    def drop_definition(self, key: ServiceKey, uid: str) -> None:
        """Forget a definition that was deleted, unless another one has its name by now."""
        known = self.definitions.get(key)
        if known is not None and known.metadata.uid == uid:
            del self.definitions[key]
        unreadable = self.unreadable.get(key)
        if unreadable is not None and unreadable.metadata.uid == uid:
            del self.unreadable[key]
        self._services.pop(uid, None)
        self.builds.forget(uid)

    def _index(self, key: ExecutionKey, before: CachedExecution | None, now: CachedExecution | None) -> None:
        """Keep the index of a service's executions, and tell when one of them makes room or waits no more."""
        was, is_ = _service_of(before), _service_of(now)
        if was is not None and isinstance(before, LiveExecution):
            runs = self._executions_of.setdefault(was, ServiceRuns())
            runs.remove(before)
            if was != is_ and runs.empty:
                del self._executions_of[was]
        if is_ is not None and isinstance(now, LiveExecution):
            self._executions_of.setdefault(is_, ServiceRuns()).add(key, now)
        if was is not None and (
            was != is_
            or (
                isinstance(before, LiveExecution)
                and isinstance(now, LiveExecution)
                and before.reason != now.reason
            )
        ):
            self.on_change(was, False)

    def _forget_uid(self, uid: str) -> None:
        self._keys.pop(uid, None)
        self.runs.forget(uid)


def uid_of(body: JsonObject) -> str:
    """Return an object's uid."""
    return text_at(body, "metadata", "uid")


def _service_of(execution: CachedExecution | None) -> ServiceKey | None:
    """Return the service of an execution that has not ended."""
    if not isinstance(execution, LiveExecution) or execution.service is None:
        return None
    return ServiceKey(execution.metadata.namespace, execution.service)


def _serves(definition: ServiceDefinition) -> tuple[int, str | None]:
    """Return what executions take from: the spec's generation, and the revision that serves."""
    return definition.metadata.generation, definition.status.revision
