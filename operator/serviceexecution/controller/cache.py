"""The newest state of executions and their children, as watches and our own writes have told it.

The one owner of that state. It may lag behind the API server and may miss a deletion (Kopf makes none up after
it had to list again), so nothing is concluded from an object's absence here without asking the API server.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.decision.views import JobView, PodView
from serviceexecution.resources.execution import ServiceExecution
from serviceexecution.resources.execution_status import Phase
from serviceexecution.resources.names import LABEL_EXECUTION_UID

Child = TypeVar("Child", JobView, PodView)


class ExecutionKey(NamedTuple):
    """What the work queue is keyed by: an execution's namespace and name."""

    namespace: str
    name: str


class Watched(StrEnum):
    """The kinds of objects that are watched."""

    EXECUTIONS = "serviceexecutions"
    JOBS = "jobs"
    PODS = "pods"


@dataclass(frozen=True, slots=True)
class UnreadableExecution:
    """An execution whose spec does not fit the models, although the API server took it."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    problem: str
    ended: bool
    """It has ended, under an operator that could read it: that stands."""


@dataclass(slots=True)
class ObjectCache:
    """Executions by key; Jobs and pods by the uid of their execution."""

    executions: dict[ExecutionKey, ServiceExecution | UnreadableExecution] = field(default_factory=dict)
    _keys: dict[str, ExecutionKey] = field(default_factory=dict)
    _jobs: dict[str, dict[str, JobView]] = field(default_factory=dict)
    _pods: dict[str, dict[str, PodView]] = field(default_factory=dict)
    _watched: dict[Watched, int] = field(default_factory=dict)

    def key_of(self, uid: str) -> ExecutionKey | None:
        """Return the key of the execution with that uid."""
        return self._keys.get(uid)

    def watched_version(self, kind: Watched) -> int:
        """Return the newest resource version that a watch has delivered."""
        return self._watched.get(kind, 0)

    def note_watched(self, kind: Watched, body: JsonObject) -> None:
        """Record that a watch delivered ``body``."""
        self._watched[kind] = max(self._watched.get(kind, 0), version_of(body))

    def put_execution(self, body: JsonObject) -> ExecutionKey:
        """Take an execution if it is newer than what is known of it; return its key."""
        try:
            execution: ServiceExecution | UnreadableExecution = _slim(ServiceExecution.model_validate(body))
        except ValidationError as error:
            execution = _unreadable(body, error)
        if isinstance(execution, ServiceExecution):
            key = ExecutionKey(execution.metadata.namespace, execution.metadata.name)
            uid = execution.metadata.uid
        else:
            key, uid = ExecutionKey(execution.namespace, execution.name), execution.uid
        known = self.executions.get(key)
        if known is None or _version(known) <= _version(execution):
            if known is not None and _uid(known) != uid:
                self._forget_uid(_uid(known))
            self.executions[key] = execution
            self._keys[uid] = key
        return key

    def drop_execution(self, key: ExecutionKey, uid: str) -> None:
        """Forget an execution that was deleted, unless another one has its name by now."""
        known = self.executions.get(key)
        if known is not None and _uid(known) == uid:
            del self.executions[key]
        self._forget_uid(uid)

    def drop_unlisted(self, kind: Watched, listed: set[str], version: int) -> list[ExecutionKey]:
        """Forget what a list as of ``version`` does not show although it should; return whose execution it was.

        ``listed`` holds the uids in the list. What is newer than the list is kept.
        """
        if kind is Watched.EXECUTIONS:
            gone = [
                (key, _uid(known))
                for key, known in self.executions.items()
                if _uid(known) not in listed and _version(known) <= version
            ]
            for key, uid in gone:
                self.drop_execution(key, uid)
            return [key for key, _ in gone]
        if kind is Watched.JOBS:
            owners = _drop_children(self._jobs, listed, version)
        else:
            owners = _drop_children(self._pods, listed, version)
        return [self._keys[uid] for uid in owners if uid in self._keys]

    def put_job(self, job: JobView) -> str | None:
        """Take a Job; return the uid of its execution."""
        uid = job.metadata.labels.get(LABEL_EXECUTION_UID)
        if uid is None or not job.metadata.controlled_by(uid):
            return None
        _put(self._jobs, uid, job)
        return uid

    def drop_job(self, job: JobView) -> str | None:
        """Forget a deleted Job; return the uid of its execution."""
        uid = job.metadata.labels.get(LABEL_EXECUTION_UID, "")
        _drop(self._jobs, uid, job)
        return uid or None

    def put_pod(self, pod: PodView) -> str | None:
        """Take a pod; return the uid of the execution that its label names."""
        uid = pod.metadata.labels.get(LABEL_EXECUTION_UID)
        if uid is None:
            return None
        _put(self._pods, uid, pod)
        return uid

    def drop_pod(self, pod: PodView) -> str | None:
        """Forget a deleted pod; return the uid of the execution that its label names."""
        uid = pod.metadata.labels.get(LABEL_EXECUTION_UID, "")
        _drop(self._pods, uid, pod)
        return uid or None

    def job(self, uid: str) -> JobView | None:
        """Return the execution's Job of the newest attempt."""
        jobs = self._jobs.get(uid, {})
        return max(jobs.values(), key=lambda job: job.metadata.creation_timestamp, default=None)

    def pod(self, uid: str, job_uid: str) -> PodView | None:
        """Return the newest pod of that Job."""
        pods = [pod for pod in self._pods.get(uid, {}).values() if pod.metadata.controlled_by(job_uid)]
        return max(pods, key=lambda pod: pod.metadata.creation_timestamp, default=None)

    def _forget_uid(self, uid: str) -> None:
        self._keys.pop(uid, None)
        self._jobs.pop(uid, None)
        self._pods.pop(uid, None)


def version_of(body: JsonObject) -> int:
    """Return an object's resource version; versions of one kind are comparable numbers (KEP-5504)."""
    metadata = body.get("metadata")
    text = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return int(text) if isinstance(text, str) and text.isdecimal() else 0


def _put(children: dict[str, dict[str, Child]], uid: str, child: Child) -> None:
    objects = children.setdefault(uid, {})
    known = objects.get(child.metadata.name)
    if known is None or _newer(child.metadata.resource_version, known.metadata.resource_version):
        objects[child.metadata.name] = child


def _drop(children: dict[str, dict[str, Child]], uid: str, child: Child) -> None:
    """Forget a child, unless another one has its name by now; keep nothing of an execution without children."""
    objects = children.get(uid, {})
    known = objects.get(child.metadata.name)
    if known is not None and known.metadata.uid == child.metadata.uid:
        del objects[child.metadata.name]
        if not objects:
            del children[uid]


def _drop_children(children: dict[str, dict[str, Child]], listed: set[str], version: int) -> set[str]:
    owners: set[str] = set()
    for uid, objects in children.items():
        for name, child in list(objects.items()):
            metadata = child.metadata
            if metadata.uid not in listed and int(metadata.resource_version or 0) <= version:
                del objects[name]
                owners.add(uid)
    return owners


def uid_of(body: JsonObject) -> str:
    """Return an object's uid."""
    metadata = body.get("metadata")
    return str(metadata.get("uid")) if isinstance(metadata, dict) else ""


def _slim(execution: ServiceExecution) -> ServiceExecution:
    """Leave out what is not needed any more of an execution that has ended: most known ones ended long ago."""
    phase = execution.status.phase
    if phase is None or not phase.terminal:
        return execution
    spec = execution.spec.model_copy(update={"input": None, "input_json": None, "pod_template": None})
    status = execution.status.model_copy(update={"result": None})
    return execution.model_copy(update={"spec": spec, "status": status})


def _newer(one: str, other: str) -> bool:
    return not (one.isdecimal() and other.isdecimal()) or int(one) >= int(other)


def _version(execution: ServiceExecution | UnreadableExecution) -> int:
    text = (
        execution.metadata.resource_version
        if isinstance(execution, ServiceExecution)
        else execution.resource_version
    )
    return int(text) if text.isdecimal() else 0


def _uid(execution: ServiceExecution | UnreadableExecution) -> str:
    return execution.metadata.uid if isinstance(execution, ServiceExecution) else execution.uid


def _unreadable(body: JsonObject, error: ValidationError) -> UnreadableExecution:
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    status, generation = body.get("status"), metadata.get("generation")
    faults = "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:5]
    )
    return UnreadableExecution(
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or ""),
        uid=str(metadata.get("uid") or ""),
        resource_version=str(metadata.get("resourceVersion") or ""),
        generation=generation if isinstance(generation, int) else 0,
        problem=faults,
        ended=isinstance(status, dict)
        and status.get("phase") in {phase.value for phase in Phase if phase.terminal},
    )
