"""Finds the Jobs and pods of an execution: those of its attempt, and what is left of the one before."""

from serviceexecution.controller.job_actions import JobReader
from serviceexecution.executions.attempts.progress import attempt_of, left_pods
from serviceexecution.executions.names import job_name
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import EarlierAttempt
from serviceexecution.resources.pods.observed import JobView, PodView


class Children:
    """Looks into the cache, and asks the API server where absence matters. Methods raise KubernetesError."""

    def __init__(self, jobs: JobReader) -> None:
        self._jobs = jobs
        self._known = jobs.known

    def known_job(self, execution: ServiceExecution) -> JobView | None:
        """Return the recorded Job, else the one whose name follows from the execution's uid and its attempt."""
        reference, recorded = execution.reference, execution.status.job
        if recorded is None:
            name = job_name(reference, attempt_of(execution.status))
            return self._known.job(reference.uid, (reference.namespace, name))
        return self._known.job(reference.uid, (reference.namespace, recorded.name), recorded.uid)

    def any_job(self, execution: ServiceExecution) -> JobView | None:
        """Return the Job of an ended execution, of whichever attempt there is one left."""
        job = self.known_job(execution)
        if job is not None:
            return job
        reference = execution.reference
        names = [job_name(reference, number) for number in range(1, attempt_of(execution.status) + 1)]
        jobs = (self._known.job(reference.uid, (reference.namespace, name)) for name in names)
        return next((one for one in jobs if one is not None), None)

    async def left(self, execution: ServiceExecution, last: EarlierAttempt) -> tuple[JobView | None, bool]:
        """Return what the API server has of the attempt before: its Job, and whether a pod of it may run."""
        uid, namespace = execution.metadata.uid, execution.metadata.namespace
        place = namespace, last.job.name
        job = self._known.job(uid, place, last.job.uid)
        if job is not None:
            return job, True
        await self._jobs.job(namespace, last.job.name)
        job = self._known.job(uid, place, last.job.uid)
        pods = await self._jobs.pods(uid, namespace)
        may_run = [one for one in pods if not (one.ended or one.never_ran)]
        return job, any(one.metadata.controlled_by(last.job.uid) for one in may_run)

    async def job(self, execution: ServiceExecution) -> JobView | None:
        job = self.known_job(execution)
        if job is not None:
            return job
        recorded = execution.status.job
        attempt = attempt_of(execution.status)
        name = recorded.name if recorded is not None else job_name(execution.reference, attempt)
        if recorded is None and not _may_have_job(execution):
            return None  # Creating the Job tells whether there is one
        await self._jobs.job(execution.metadata.namespace, name)
        return self.known_job(execution)

    async def job_now(self, execution: ServiceExecution, job: JobView) -> JobView | None:
        """Return that Job as the API server has it: the watch of pods may be ahead of the one of Jobs."""
        await self._jobs.job(execution.metadata.namespace, job.metadata.name)
        return self.known_job(execution)

    async def pod(self, execution: ServiceExecution, job: JobView | None) -> PodView | None:
        uid, namespace = execution.metadata.uid, execution.metadata.namespace
        recorded = execution.status.job
        job_uid = job.metadata.uid if job is not None else (recorded.uid if recorded is not None else None)
        if job_uid is None:
            return None
        known = execution.status.pod
        pod_uid = None if known is None else known.uid
        before = left_pods(execution.status)
        pod = self._known.pod(uid, namespace, job_uid, pod_uid, before)
        gone_unseen = pod is not None and job is None
        missing = pod is None and (
            known is not None or (job is not None and (job.failed is not None or job.complete))
        )
        if not (gone_unseen or missing):
            return pod
        pods = await self._jobs.pods(uid, namespace)
        if pod is not None and all(pod.metadata.uid != other.metadata.uid for other in pods):
            self._known.drop_pod(pod)
        return self._known.pod(uid, namespace, job_uid, pod_uid, before)


def _may_have_job(execution: ServiceExecution) -> bool:
    """Tell whether a pass may have made a Job that is not recorded: what is taken from a service is recorded before."""
    status = execution.status
    return status.phase is not None and (execution.spec.service_ref is None or status.service is not None)
