"""An execution with a Job whose program has not started: it starts, waits for what it lacks, or fails to start."""

from dataclasses import replace
from datetime import datetime

from serviceexecution.executions.attempts.leaving import queued_message
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision, finish, say, stop_recorded, to_delete
from serviceexecution.executions.pools.staging import staging_seconds
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.steps.running import UNCONFIRMED_END
from serviceexecution.resources.executions.execution_status import Phase, StopReason
from serviceexecution.resources.pods.init_containers import init_progress
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_start import (
    StartProblem,
    patience,
    scheduled_since,
    start_problem,
    volume_in_use,
)


def before_the_pod(seen: Observation, job: JobView) -> Decision:
    """Decide about a Job that has no pod yet."""
    if (stopped := _stop_before_start(seen)) is not None:
        return stopped
    if job.is_going:  # It makes no pod any more, however long others' finalizers hold it
        return finish(seen, Phase.FAILED, Reason.JOB_DELETED)
    if job.spec.suspend:
        return say(seen, Phase.PENDING, Reason.QUEUED, message=queued_message(seen))
    return _start_or_fail(seen, seen.creation_problem, _admitted_since(seen, job))


def starting(seen: Observation, pod: PodView) -> Decision:
    """Decide about a pod whose main container has not started."""
    if (stopped := _stop_before_start(seen)) is not None:
        return stopped
    if (progress := init_progress(pod)) and not seen.warning:
        seen = replace(seen, warning=progress)
    # A node that was named in the spec is not recorded by the API server, but by its kubelet, on the node's clock.
    since = max(scheduled_since(pod), pod.metadata.creation_timestamp)
    return _start_or_fail(
        seen, start_problem(pod, seen.limits), since if since <= seen.now else pod.metadata.creation_timestamp
    )


def message_so_far(seen: Observation, reason: Reason) -> str | None:
    """Return what was said of this reason: one cause is worded differently from try to try, and one write says it."""
    return seen.status.message or None if seen.status.reason == reason else None


def _admitted_since(seen: Observation, job: JobView) -> datetime:
    """Return since when the Job may run. When a queue let it run, that counts from when it was first seen."""
    created = job.metadata.creation_timestamp
    if not job.was_suspended and seen.status.reason != Reason.QUEUED:
        return created
    said = seen.status.reason
    return max(created, seen.since(said if said is not None and said != Reason.QUEUED else Reason.STARTING))


def _stop_before_start(seen: Observation) -> Decision | None:
    """Nothing has started, so there is no log and no output to lose with the Job.

    A finalizer of somebody else may hold the Job for ever. It makes no pod any more.
    """
    if not seen.execution.spec.cancel and seen.status.stop_requested is None:
        return None
    seen = stop_recorded(seen, StopReason.CANCELLED)
    age = seen.age(seen.since(Reason.STOPPING))
    is_held = seen.job is not None and seen.job.is_going and age >= UNCONFIRMED_END
    if is_held and (seen.pod is None or seen.pod.never_ran):
        return finish(seen, Phase.CANCELLED, Reason.CANCELLED)
    return to_delete(say(seen, Phase.PENDING, Reason.STOPPING, wake=max(2.0, min(age / 4, 30.0))))


def _start_or_fail(seen: Observation, problem: StartProblem | None, since: datetime) -> Decision:
    staged = sum(pool.bytes for pool in seen.status.data_pools or ())
    wait = patience(
        problem,
        seen.age(since),
        seen.limits,
        seen.times.start_timeout + staging_seconds(staged),
        said=seen.status.reason,
        age_of=lambda reason: seen.age(seen.since(reason)),
    )
    if problem is None or wait.fault is None:
        if wait.left <= 0:
            return finish(seen, Phase.FAILED, Reason.START_TIMEOUT, seen.warning)
        detail = seen.staging or volume_in_use(seen.warning)
        return say(seen, Phase.PENDING, Reason.STARTING, detail, wake=wait.look_again)
    reason = Reason(wait.fault.value)
    if wait.left <= 0:
        message = message_so_far(seen, reason) if wait.fault is not problem.reason else None
        return finish(seen, Phase.FAILED, reason, problem.detail, message=message)
    message = message_so_far(seen, reason)
    return say(seen, Phase.PENDING, reason, problem.detail, message=message, wake=wait.look_again)
