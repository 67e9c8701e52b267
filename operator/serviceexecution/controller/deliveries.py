"""Puts a Job or pod where it belongs: to an execution, or to the build of a service."""

from serviceexecution.controller.cache import ExecutionKey, ObjectCache, ServiceKey
from serviceexecution.resources.names import LABEL_DEFINITION_UID
from serviceexecution.resources.views import JobView, PodView

Touched = ExecutionKey | ServiceKey | None
"""What is to be looked at again; None when it is nobody's that is known."""


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
