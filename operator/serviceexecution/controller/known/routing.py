"""Takes what lists and watches deliver, and puts it where it belongs: to an execution, or to a build of a service.

Whatever is delivered is somebody else's: a pod with our label may hold anything that the API server takes. One that
cannot be read is passed over.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import structlog
from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.keys import ExecutionKey, ServiceKey
from serviceexecution.controller.known.cache import ObjectCache, uid_of
from serviceexecution.controller.metrics import UNREADABLE
from serviceexecution.resources.names import LABEL_DEFINITION_UID
from serviceexecution.resources.views import JobView, PodView

logger = structlog.stdlib.get_logger()

Touched = ExecutionKey | ServiceKey | None
"""What is to be looked at again; None when it is nobody's that is known."""

COMPLAINTS_REMEMBERED: Final = 1_000
"""Unreadable objects that are not complained of again."""


@dataclass(slots=True)
class Taker:
    """Reads Jobs and pods, and puts them into the cache."""

    cache: ObjectCache
    _complained: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def take_job(self, body: JsonObject, *, deleted: bool = False) -> Touched:
        """Take a Job, or forget one that was deleted."""
        try:
            job = JobView.model_validate(body)
        except ValidationError as error:
            self._complain("Job", body, error)
            return None
        return take_job(self.cache, job, deleted=deleted)

    def take_pod(self, body: JsonObject, *, deleted: bool = False) -> Touched:
        """Take a pod, or forget one that was deleted."""
        try:
            pod = PodView.model_validate(body)
        except ValidationError as error:
            self._complain("Pod", body, error)
            return None
        return take_pod(self.cache, pod, deleted=deleted)

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


def take_job(cache: ObjectCache, job: JobView, *, deleted: bool = False) -> Touched:
    """Take a Job, or forget one that was deleted."""
    if LABEL_DEFINITION_UID in job.metadata.labels:
        service = cache.service_of(cache.builds.drop_job(job) if deleted else cache.builds.put_job(job))
        return _in_place(service, job)
    uid = cache.drop_job(job) if deleted else cache.put_job(job)
    return _in_place(cache.key_of(uid) if uid is not None else None, job)


def take_pod(cache: ObjectCache, pod: PodView, *, deleted: bool = False) -> Touched:
    """Take a pod, or forget one that was deleted."""
    if LABEL_DEFINITION_UID in pod.metadata.labels:
        service = cache.service_of(cache.builds.drop_pod(pod) if deleted else cache.builds.put_pod(pod))
        return _in_place(service, pod)
    uid = cache.drop_pod(pod) if deleted else cache.put_pod(pod)
    return _in_place(cache.key_of(uid) if uid is not None else None, pod)


def _in_place(touched: Touched, child: JobView | PodView) -> Touched:
    """Return what was touched unless the child is in another namespace, where its label says nothing."""
    return touched if touched is None or touched.namespace == child.metadata.namespace else None
