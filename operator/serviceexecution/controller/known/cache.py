"""The newest state of executions and their children, as watches and our own writes have told it.

The one owner of that state. It may lag behind the API server and may miss a deletion (Kopf makes none up after
it had to list again), so nothing is concluded from an object's absence here without asking the API server.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.keys import ExecutionKey, ServiceKey
from serviceexecution.controller.known.cached_execution import (
    CachedExecution,
    LiveExecution,
    recorded,
    small_text,
)
from serviceexecution.controller.known.jobs_and_pods import Children
from serviceexecution.controller.known.service_runs import ServiceRuns
from serviceexecution.controller.known.small_texts import SmallTexts
from serviceexecution.controller.known.unreadable import UnreadableDefinition, unreadable_definition
from serviceexecution.controller.known.versions import newer, number_of, version_of
from serviceexecution.controller.known.weight import is_within
from serviceexecution.resources.definition import ServiceDefinition
from serviceexecution.resources.names import LABEL_DEFINITION_UID, LABEL_EXECUTION_UID
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.resources.views import JobView, PodView

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
    _children: Children = field(default_factory=lambda: Children(LABEL_EXECUTION_UID))
    builds: Children = field(default_factory=lambda: Children(LABEL_DEFINITION_UID))
    """Jobs and pods of builds by the uid of their definition."""
    definitions: dict[ServiceKey, ServiceDefinition] = field(default_factory=dict)
    unreadable: dict[ServiceKey, UnreadableDefinition] = field(default_factory=dict)
    """Definitions that do not fit the models."""
    _services: dict[str, ServiceKey] = field(default_factory=dict)
    """Definitions' keys by their uid."""
    _runs: dict[ServiceKey, ServiceRuns[ExecutionKey]] = field(default_factory=dict)
    """Executions of services that have not ended."""
    namespaces: tuple[str, ...] = ()
    """Those that are watched, each by a watch of its own; empty when one watch sees the whole cluster."""
    _watched: dict[tuple[Watched, str], int] = field(default_factory=dict)
    on_change: Callable[[ServiceKey, bool], None] = field(default=_nothing, compare=False)
    """Called when another execution of the service may be able to start, with True when the service itself changed."""

    def key_of(self, uid: str) -> ExecutionKey | None:
        """Return the key of the execution with that uid."""
        return self._keys.get(uid)

    def watched_version(self, kind: Watched, namespace: str = "") -> int:
        """Return the newest resource version that a watch has delivered, that of ``namespace`` if it has its own."""
        return self._watched.get((kind, namespace), 0)

    def note_watched(self, kind: Watched, body: JsonObject) -> None:
        """Record that a watch delivered ``body``."""
        place = kind, self.scope_of(body)
        self._watched[place] = max(self._watched.get(place, 0), version_of(body))

    def scope_of(self, body: JsonObject) -> str:
        """Return the namespace whose watch delivers ``body``, empty when it is the cluster's."""
        metadata = body.get("metadata")
        namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
        return namespace if isinstance(namespace, str) and namespace in self.namespaces else ""

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

    def drop_execution(self, key: ExecutionKey, uid: str) -> None:
        """Forget an execution that was deleted, unless another one has its name by now."""
        known = self.executions.get(key)
        if known is not None and known.metadata.uid == uid:
            del self.executions[key]
            self.texts.put(key, None)
            self._index(key, known, None)
        self._forget_uid(uid)

    def drop_unlisted(
        self, kind: Watched, listed: set[str], version: int, namespace: str | None = None
    ) -> list[ExecutionKey]:
        """Forget what a list as of ``version`` does not show although it should; return whose execution it was.

        ``listed`` holds the uids in the list of ``namespace`` (None: of the cluster). What is newer is kept.
        """
        if kind is Watched.EXECUTIONS:
            gone = [
                (key, known.metadata.uid)
                for key, known in self.executions.items()
                if known.metadata.uid not in listed
                and namespace in {None, key.namespace}
                and number_of(known.metadata.resource_version) <= version
            ]
            for key, uid in gone:
                self.drop_execution(key, uid)
            return [key for key, _ in gone]
        if kind is Watched.JOBS:
            owners = self._children.drop_unlisted_jobs(listed, version, namespace)
        elif kind is Watched.PODS:
            owners = self._children.drop_unlisted_pods(listed, version, namespace)
        else:
            return []
        return [self._keys[uid] for uid in owners if uid in self._keys]

    def drop_unlisted_of_services(
        self, kind: Watched, listed: set[str], version: int, namespace: str | None = None
    ) -> list[ServiceKey]:
        """Do the same for definitions and for what belongs to their builds; return whose service it was."""
        if kind is Watched.DEFINITIONS:
            known = [
                (key, one.metadata.uid, one.metadata.resource_version)
                for key, one in self.definitions.items()
            ]
            known += [
                (key, one.metadata.uid, one.metadata.resource_version) for key, one in self.unreadable.items()
            ]
            missing = [
                (key, uid)
                for key, uid, at in known
                if uid not in listed and namespace in {None, key.namespace} and number_of(at) <= version
            ]
            for key, uid in missing:
                self.drop_definition(key, uid)
            return [key for key, _ in missing]
        if kind is Watched.JOBS:
            owners = self.builds.drop_unlisted_jobs(listed, version, namespace)
        elif kind is Watched.PODS:
            owners = self.builds.drop_unlisted_pods(listed, version, namespace)
        else:
            return []
        return [self._services[uid] for uid in owners if uid in self._services]

    def runs(self, service: ServiceKey) -> ServiceRuns[ExecutionKey]:
        """Return the service's executions that have not ended."""
        return self._runs.get(service) or ServiceRuns()

    def definition(self, key: ServiceKey) -> ServiceDefinition | None:
        """Return the definition as last seen."""
        return self.definitions.get(key)

    def service_of(self, uid: str | None) -> ServiceKey | None:
        """Return the key of the definition with that uid."""
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
        """Take one that was stored under the CRD of another version: its status says so, and so do its executions."""
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

    def put_job(self, job: JobView) -> str | None:
        """Take an execution's Job; return the uid of its execution."""
        return self._children.put_job(job)

    def drop_job(self, job: JobView) -> str | None:
        """Forget an execution's deleted Job; return the uid of its execution."""
        return self._children.drop_job(job)

    def put_pod(self, pod: PodView) -> str | None:
        """Take an execution's pod; return the uid of the execution that its label names."""
        return self._children.put_pod(pod)

    def drop_pod(self, pod: PodView) -> str | None:
        """Forget an execution's deleted pod; return the uid of the execution that its label names."""
        return self._children.drop_pod(pod)

    def has_job(self, uid: str, namespace: str) -> bool:
        """Tell whether any Job of that execution is known."""
        return bool(self._children.jobs(uid, namespace))

    def job(self, owner: ExecutionReference, name: str, recorded: str | None = None) -> JobView | None:
        """Return the execution's Job of that name; with ``recorded`` it must have that uid."""
        return self._children.job(owner.uid, (owner.namespace, name), recorded)

    def pod(self, owner: ExecutionReference, job_uid: str, recorded: str | None = None) -> PodView | None:
        """Return the newest pod of that Job; with ``recorded`` the one of that uid."""
        return self._children.pod(owner.uid, owner.namespace, job_uid, recorded)

    def _index(self, key: ExecutionKey, before: CachedExecution | None, now: CachedExecution | None) -> None:
        """Keep the index of a service's executions, and tell when one of them makes room or waits no more."""
        was, is_ = _service_of(before), _service_of(now)
        if was is not None and isinstance(before, LiveExecution):
            runs = self._runs.setdefault(was, ServiceRuns())
            runs.remove(before)
            if was != is_ and runs.empty:
                del self._runs[was]
        if is_ is not None and isinstance(now, LiveExecution):
            self._runs.setdefault(is_, ServiceRuns()).add(key, now)
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
        self._children.forget(uid)


def uid_of(body: JsonObject) -> str:
    """Return an object's uid."""
    metadata = body.get("metadata")
    return str(metadata.get("uid")) if isinstance(metadata, dict) else ""


def _service_of(execution: CachedExecution | None) -> ServiceKey | None:
    """Return the service of an execution that has not ended."""
    if not isinstance(execution, LiveExecution) or execution.service is None:
        return None
    return ServiceKey(execution.metadata.namespace, execution.service)


def _serves(definition: ServiceDefinition) -> tuple[int, str | None]:
    """Return what executions take from: the spec's generation, and the revision that serves."""
    return definition.metadata.generation, definition.status.revision
