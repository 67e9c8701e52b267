"""The whole truth table: from what is seen of an execution to what should be done and said.

Pure: no clock, no cluster, no store. Everything is derived from the observation, so that a controller that was
killed at any moment decides the same after its restart.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision, end, finish, say
from serviceexecution.executions.plan import PlanProblem
from serviceexecution.executions.preemption import is_of_before, was_preempted
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import (
    CallbackState,
    JobReference,
    Phase,
    PodReference,
    StopReason,
    StopRequest,
)
from serviceexecution.resources.pods.init_containers import init_progress
from serviceexecution.resources.pods.observed import JobView, PodView, TerminatedView
from serviceexecution.resources.pods.pod_end import START_ERRORS, is_told_to_end
from serviceexecution.resources.pods.pod_start import StartProblem, patience, scheduled_since, start_problem

COLLECT_NOTICE: Final = 5.0
"""Seconds after which status says that output is still being collected; most runs are faster."""

COMMIT_GRACE: Final = 5.0
"""Seconds that a commit may take to appear in the store after the collector has ended."""

QUEUED_RECHECK: Final = 300.0
"""Seconds; whatever makes room wakes the next ones at once."""

FIRST_RECHECK: Final = 5.0
LONGEST_RECHECK: Final = 60.0
"""Seconds between looks at objects whose coming no watch tells, such as a ConfigMap or room in a quota. Each look costs
requests, so the pause is as long as the wait so far, within these two."""

CALLBACK_HOLDS: Final = 86_400
"""Seconds after the end for which a pending callback keeps an execution: all of its tries take at most 14 hours."""

REFUSED_FOR_NOW: Final = frozenset({Reason.QUOTA_EXCEEDED, Reason.WEBHOOK_FAILED})
"""What the API server may take a while later; until then it words it differently from try to try."""

WOKEN_BY_EVENTS: Final = frozenset({Reason.SERVICE_NOT_FOUND, Reason.SERVICE_NOT_READY})
"""A change of the service wakes the executions that wait for it."""


def decide(seen: Observation) -> Decision:
    """Decide what to do and to say about an execution."""
    if seen.status.phase is not None and seen.status.phase.terminal:
        return _after_the_end(seen)
    if seen.is_going:
        if seen.status.phase is None and seen.job is None:
            return Decision(seen.status)
        # Others' finalizers may hold it for days: meanwhile nothing runs on unseen, and what was written is kept.
        seen = seen.cancelled()
    if seen.job is None:
        return _without_job(seen)
    job = seen.job
    # A recorded Job that is gone is never created again.
    recorded = JobReference(name=job.metadata.name, uid=job.metadata.uid)
    seen = seen.with_status(job=recorded, attempts=seen.status.attempts or 1)
    if was_preempted(job, seen.pod, seen.status.start_time):
        seen = _stop_recorded(seen, StopReason.PREEMPTED)
    if seen.pod is None or is_of_before(job, seen.pod):
        return _without_pod(seen, job)
    main = seen.pod.main
    if main.terminated is not None or seen.pod.ended or seen.pod.never_ran:
        return _collect(seen, seen.pod)
    if main.running is not None:
        return _running(seen, seen.pod, main.running.started_at)
    return _starting(seen, seen.pod)


def _after_the_end(seen: Observation) -> Decision:
    decision = Decision(
        seen.with_status(observed_generation=seen.generation).status, delete_job=seen.job is not None
    )
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


def _without_job(seen: Observation) -> Decision:
    if seen.status.job is not None:
        return _job_gone(seen)
    if seen.execution.spec.cancel:
        return finish(seen, Phase.CANCELLED, Reason.CANCELLED)
    if not isinstance(seen.plan, PlanProblem):
        if seen.taken is None:
            return Decision(seen.status, create=True)
        # Recorded before anything is created, so that a later change of the service changes no run.
        return say(seen.with_status(service=seen.taken), Phase.PENDING, Reason.STARTING, wake=0)
    problem = seen.plan
    if problem.reason is Reason.QUEUED:
        message = _message_so_far(seen, problem.reason)
        return say(seen, Phase.PENDING, problem.reason, problem.detail, message=message, wake=QUEUED_RECHECK)
    limit = 0.0
    if problem.waiting:
        limit = seen.times.start_timeout
        if problem.reason not in REFUSED_FOR_NOW and not problem.coming:
            limit = min(limit, seen.limits.missing_reference)
    age = seen.age(seen.execution.metadata.creation_timestamp)
    left = limit - age
    if left <= 0:
        return finish(seen, Phase.FAILED, problem.reason, problem.detail)
    message = _message_so_far(seen, problem.reason) if problem.reason in REFUSED_FOR_NOW else None
    return say(
        seen,
        Phase.PENDING,
        problem.reason,
        problem.detail,
        message=message,
        wake=min(left, _pause(problem, age)),
    )


def _pause(problem: PlanProblem, age: float) -> float:
    """Return after how many seconds to look again at what keeps an execution of that age waiting."""
    if problem.coming or problem.reason in WOKEN_BY_EVENTS:
        return LONGEST_RECHECK
    return max(FIRST_RECHECK, min(age, LONGEST_RECHECK))


def _job_gone(seen: Observation) -> Decision:
    pod = seen.pod
    if pod is not None:
        # It is being ended too; what it still writes and prints is kept.
        if (started_at := _started_at(pod)) is not None:
            seen = seen.with_status(pod=_pod_reference(pod), start_time=started_at)
        if not pod.ended and pod.main.terminated is None:
            follow = pod.main.running is not None
            return say(seen, _current_phase(seen), Reason.STOPPING, follow=follow, wake=2)
        if not pod.ended and seen.manifest is None and not _overdue(seen):
            return _still_collecting(seen)
    if _log_pending(seen):
        return _still_collecting(seen)
    if seen.status.stop_requested is not None:
        return end(seen, None)
    if seen.is_going:
        return finish(seen, Phase.CANCELLED, Reason.CANCELLED)  # Its Job was deleted with it
    return finish(seen, Phase.FAILED, Reason.JOB_DELETED)


def _without_pod(seen: Observation, job: JobView) -> Decision:
    if seen.status.pod is not None or job.failed is not None or job.complete:
        if _log_pending(seen):
            return _still_collecting(seen)
        return end(seen, TerminatedView(exit_code=0) if job.complete else None)
    if (stopped := _stop_before_start(seen)) is not None:
        return stopped
    if job.spec.suspend:
        queue = seen.execution.spec.queue_name
        return say(seen, Phase.PENDING, Reason.QUEUED, f'Its queue is "{queue}".' if queue else "")
    since = job.status.start_time or job.metadata.creation_timestamp
    return _start_or_fail(seen, seen.creation_problem, seen.age(since))


def _starting(seen: Observation, pod: PodView) -> Decision:
    if (stopped := _stop_before_start(seen)) is not None:
        return stopped
    if (progress := init_progress(pod)) and not seen.warning:
        seen = replace(seen, warning=progress)
    return _start_or_fail(seen, start_problem(pod, seen.limits), seen.age(scheduled_since(pod)))


def _stop_before_start(seen: Observation) -> Decision | None:
    """Nothing has started, so there is no log and no output to lose with the Job."""
    if not seen.execution.spec.cancel and seen.status.stop_requested is None:
        return None
    seen = _stop_recorded(seen, StopReason.CANCELLED)
    return replace(say(seen, Phase.PENDING, Reason.STOPPING, wake=2), delete_job=True)


def _start_or_fail(seen: Observation, problem: StartProblem | None, age: float) -> Decision:
    wait = patience(problem, age, seen.limits, seen.times.start_timeout, seen.status.reason)
    if problem is None or wait.fault is None:
        if wait.left <= 0:
            return finish(seen, Phase.FAILED, Reason.START_TIMEOUT, seen.warning)
        return say(seen, Phase.PENDING, Reason.STARTING, wake=wait.look_again)
    reason = Reason(wait.fault.value)
    if wait.left <= 0:
        message = _message_so_far(seen, reason) if wait.fault is not problem.reason else None
        return finish(seen, Phase.FAILED, reason, problem.detail, message=message)
    message = _message_so_far(seen, reason)
    return say(seen, Phase.PENDING, reason, problem.detail, message=message, wake=wait.look_again)


def _message_so_far(seen: Observation, reason: Reason) -> str | None:
    """The same cause is worded differently from try to try: one write says it."""
    return seen.status.message or None if seen.status.reason == reason else None


def _running(seen: Observation, pod: PodView, started_at: datetime) -> Decision:
    seen = seen.with_status(start_time=started_at, pod=_pod_reference(pod))
    if seen.status.stop_requested is not None:
        return _stopping(seen, pod)
    if seen.execution.spec.cancel:
        return _stopping(_stop_recorded(seen, StopReason.CANCELLED), pod)
    timeout = seen.times.timeout
    left = None if timeout is None else timeout - seen.age(started_at)
    if left is not None and left <= 0:
        return _stopping(_stop_recorded(seen, StopReason.TIMEOUT), pod)
    return say(seen, Phase.RUNNING, Reason.RUNNING, follow=True, wake=left)


def _stopping(seen: Observation, pod: PodView) -> Decision:
    decision = say(seen, Phase.RUNNING, Reason.STOPPING, follow=True, wake=5)
    return replace(decision, stop_pod=not is_told_to_end(pod))


def _stop_recorded(seen: Observation, reason: StopReason) -> Observation:
    """Record why main is stopped before it is: its end is judged by this. The first reason counts."""
    if seen.status.stop_requested is not None:
        return seen
    return seen.with_status(stop_requested=StopRequest(reason=reason, time=seen.now))


def _collect(seen: Observation, pod: PodView) -> Decision:
    """Main has ended, or the pod without saying how: wait until output and log are kept, but not for ever."""
    before = seen.status
    main = pod.main.terminated
    seen = seen.with_status(pod=_pod_reference(pod), start_time=_started_at(pod) or before.start_time)
    if seen.status.start_time is None:
        return end(seen, main)
    since = main.finished_at if main is not None else None
    age = seen.age(since or _collecting_since(seen) or seen.now)
    waiting_for_result = seen.manifest is None and not _collector_gave_up(seen, pod)
    if not (waiting_for_result or seen.log is None) or age >= seen.times.collect_timeout:
        return end(seen, main)
    if since is not None and age < COLLECT_NOTICE and before.phase is not None:
        # Most runs are collected by then: the end is one write.
        return Decision(before, follow_log=seen.status.pod, wake_after=1)
    if main is not None:
        seen = seen.with_status(exit_code=main.exit_code)
    return _still_collecting(seen, wake=min(5, seen.times.collect_timeout - age))


def _still_collecting(seen: Observation, wake: float = 2) -> Decision:
    return say(seen, _current_phase(seen), Reason.COLLECTING, follow=True, collecting=True, wake=wake)


def _collecting_since(seen: Observation) -> datetime | None:
    conditions = seen.status.conditions
    return next(
        (one.last_transition_time for one in conditions if one.type == "Collecting" and one.status == "True"),
        None,
    )


def _collector_gave_up(seen: Observation, pod: PodView) -> bool:
    """Tell whether no commit can come any more: the pod is over, and a commit under way had its time."""
    if seen.results_unknown or not pod.ended:
        return False
    ended = pod.collector.terminated
    if ended is None or ended.finished_at is None:
        return True
    return seen.age(ended.finished_at) > COMMIT_GRACE


def _started_at(pod: PodView) -> datetime | None:
    """Return when main became a process, None when it has not, as far as the pod tells."""
    main = pod.main
    if main.running is not None:
        return main.running.started_at
    if main.terminated is None or main.terminated.reason in START_ERRORS:
        return None
    return main.terminated.started_at


def _log_pending(seen: Observation) -> bool:
    ran = seen.status.pod is not None and seen.status.start_time is not None
    return ran and seen.log is None and not _overdue(seen)


def _overdue(seen: Observation) -> bool:
    since = _collecting_since(seen)
    return since is not None and seen.age(since) >= seen.times.collect_timeout


def _current_phase(seen: Observation) -> Phase:
    return Phase.RUNNING if seen.status.start_time is not None else Phase.PENDING


def _pod_reference(pod: PodView) -> PodReference:
    return PodReference(name=pod.metadata.name, uid=pod.metadata.uid, node=pod.spec.node_name)
