"""Puts Jobs and pods that lists and watches deliver where they belong: to an execution, or to a service's builds.

Whatever is delivered is somebody else's: a pod with our label may hold anything that the API server takes. One that
cannot be read is passed over.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import structlog
from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.known.cache import ObjectCache, uid_of
from serviceexecution.controller.known.jobs_and_pods import Child, JobsAndPods
from serviceexecution.controller.metrics import UNREADABLE
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.resources.names import LABEL_DEFINITION_UID
from serviceexecution.resources.pods.observed import JobView, PodView

logger = structlog.stdlib.get_logger()

Touched = ExecutionKey | ServiceKey | None
"""What is to be looked at again; None when it is nobody's that is known."""

COMPLAINTS_REMEMBERED: Final = 1_000
"""Unreadable objects that are not complained of again."""


@dataclass(slots=True)
class Router:
    """Reads Jobs and pods, and puts them into the cache."""

    cache: ObjectCache
    _complained: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def job(self, body: JsonObject, *, deleted: bool = False) -> Touched:
        """Take a Job, or forget one that was deleted. It touches nobody when nothing that is read of it is new."""
        try:
            job = JobView.model_validate(body)
        except ValidationError as error:
            self._complain("Job", body, error)
            return None
        known = _known(self.cache, job)
        told = not deleted and _says_the_same(known.known_job(job), job)
        touched = route_job(self.cache, job, deleted=deleted)
        return None if told else touched

    def pod(self, body: JsonObject, *, deleted: bool = False) -> Touched:
        """Take a pod, or forget one that was deleted. It touches nobody when nothing that is read of it is new."""
        try:
            pod = PodView.model_validate(body)
        except ValidationError as error:
            self._complain("Pod", body, error)
            return None
        known = _known(self.cache, pod)
        told = not deleted and _says_the_same(known.known_pod(pod), pod)
        touched = route_pod(self.cache, pod, deleted=deleted)
        return None if told else touched

    def _complain(self, kind: str, body: JsonObject, error: ValidationError) -> None:
        UNREADABLE.labels(kind).inc()
        uid = uid_of(body)
        if uid in self._complained:
            return
        self._complained[uid] = None
        if len(self._complained) > COMPLAINTS_REMEMBERED:
            self._complained.popitem(last=False)
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field_ = ".".join(str(part) for part in fault["loc"])
        logger.warning("an object cannot be read; it is passed over", kind=kind, uid=uid, field=field_[:200])


def route_job(cache: ObjectCache, job: JobView, *, deleted: bool = False) -> Touched:
    """Take a Job, or forget one that was deleted."""
    known = _known(cache, job)
    return _touched(cache, known, job, known.drop_job(job) if deleted else known.put_job(job))


def route_pod(cache: ObjectCache, pod: PodView, *, deleted: bool = False) -> Touched:
    """Take a pod, or forget one that was deleted."""
    known = _known(cache, pod)
    return _touched(cache, known, pod, known.drop_pod(pod) if deleted else known.put_pod(pod))


def _known(cache: ObjectCache, child: JobView | PodView) -> JobsAndPods:
    """Return where the child belongs: a build's carries the label of its definition."""
    return cache.builds if LABEL_DEFINITION_UID in child.metadata.labels else cache.runs


def _touched(cache: ObjectCache, known: JobsAndPods, child: JobView | PodView, uid: str | None) -> Touched:
    """Return whose child it is, unless it is in another namespace, where its label says nothing."""
    touched = cache.service_of(uid) if known is cache.builds else cache.execution_of(uid)
    return touched if touched is None or touched.namespace == child.metadata.namespace else None


def _says_the_same(known: Child | None, child: Child) -> bool:
    """Tell whether a pass would see the same of two versions of a child.

    Most changes of a Job count its pods, and most of a pod are about what we do not read. When a status was written is
    no news by itself: it is read by passes that time brings.
    """
    if known is None:
        return False
    before, now = known.metadata, child.metadata
    return (
        known.spec == child.spec
        and known.status == child.status
        and before.uid == now.uid
        and before.deletion_timestamp == now.deletion_timestamp
        and before.labels == now.labels
        and before.annotations == now.annotations
        and before.owner_references == now.owner_references
    )
