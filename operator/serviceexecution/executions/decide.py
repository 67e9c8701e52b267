"""The whole truth table: from what is seen of an execution to what should be done and said.

Pure: no clock, no cluster, no store. Everything is derived from the observation, so that a controller that was
killed at any moment decides the same after its restart.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from serviceexecution.executions.attempts.progress import attempt_of, left_attempt, left_pods
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision, stop_recorded
from serviceexecution.executions.preemption import is_of_before, was_preempted
from serviceexecution.executions.steps.between import between
from serviceexecution.executions.steps.collecting import collect, job_gone, pod_gone
from serviceexecution.executions.steps.running import running
from serviceexecution.executions.steps.starting import before_the_pod, starting
from serviceexecution.executions.steps.waiting import without_job
from serviceexecution.resources.executions.execution_status import CallbackState, JobReference, StopReason

CALLBACK_HOLDS: Final = 86_400
"""Seconds after the end for which a pending callback keeps an execution: all of its tries take at most 14 hours."""


def decide(seen: Observation) -> Decision:
    """Decide what to do and to say about an execution."""
    if seen.status.phase is not None and seen.status.phase.terminal:
        return _after_the_end(seen)
    if seen.pod is not None and seen.pod.metadata.uid in left_pods(seen.status):
        seen = replace(seen, pod=None)  # Of an attempt before, whose Job its queue has kept
    if seen.is_going:
        if seen.status.phase is None and seen.job is None:
            return Decision(seen.status)
        # Others' finalizers may hold it for days: meanwhile nothing runs on unseen, and what was written is kept.
        seen = seen.cancelled()
    if seen.job is None:
        if (last := left_attempt(seen.status)) is not None:
            return between(seen, last)
        return without_job(seen) if seen.status.job is None else job_gone(seen)
    job = seen.job
    # A recorded Job that is gone is never created again.
    recorded = JobReference(name=job.metadata.name, uid=job.metadata.uid)
    seen = seen.with_status(job=recorded, attempts=attempt_of(seen.status))
    if was_preempted(job, seen.pod, seen.status.start_time):
        seen = stop_recorded(seen, StopReason.PREEMPTED)
    if seen.pod is None or is_of_before(job, seen.pod):
        over = seen.status.pod is not None or job.failed is not None or job.complete
        return pod_gone(seen, job) if over else before_the_pod(seen, job)
    main = seen.pod.main
    if main.terminated is not None or seen.pod.ended or seen.pod.never_ran:
        return collect(seen, seen.pod)
    if main.running is not None:
        return running(seen, seen.pod, main.running.started_at)
    return starting(seen, seen.pod)


def _after_the_end(seen: Observation) -> Decision:
    has_job = seen.job is not None or seen.left_job is not None
    decision = Decision(seen.with_status(observed_generation=seen.generation).status, delete_job=has_job)
    ttl = seen.execution.spec.ttl_seconds_after_finished
    if seen.is_going or ttl is None or seen.status.completion_time is None:
        return decision
    callback = seen.status.callback
    if callback is not None and callback.state is CallbackState.PENDING:
        # A deletion would end the tries, and the receiver would never hear of the run.
        ttl = max(ttl, CALLBACK_HOLDS)
    left = -seen.age(seen.status.completion_time + timedelta(seconds=ttl))
    if left <= 0:
        return replace(decision, delete_execution=True)
    return replace(decision, wake_after=left)
