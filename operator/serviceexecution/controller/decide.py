"""The whole truth table: from what is seen of an execution to what should be done and said.

Pure: no clock, no cluster, no store. Everything is derived from the observation, so that a controller that was
killed at any moment decides the same after its restart.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from serviceexecution.contract.durations import format_duration
from serviceexecution.controller.conditions import with_phase
from serviceexecution.controller.plan import Plan, PlanProblem, Times
from serviceexecution.controller.reasons import Reason, sentence
from serviceexecution.controller.startup import StartLimits, StartProblem, start_problem
from serviceexecution.controller.verdict import START_ERRORS, MainOutput, judge, log_of, result_of
from serviceexecution.controller.views import JobView, PodView, TerminatedView
from serviceexecution.resources.execution import ServiceExecution
from serviceexecution.resources.execution_status import (
    ExecutionStatus,
    JobReference,
    Phase,
    PodReference,
    StopReason,
    StopRequest,
    Usage,
)
from serviceexecution.store.records import LogRecord, OutputManifest

COLLECT_NOTICE: Final = 5.0
"""Seconds after which status says that output is still being collected; most runs are faster."""

COMMIT_GRACE: Final = 5.0
"""Seconds that a commit may take to appear in the store after the collector has ended."""


@dataclass(frozen=True, slots=True)
class Observation:
    """All that is known of one execution at one moment."""

    execution: ServiceExecution
    times: Times
    now: datetime
    limits: StartLimits
    plan: Plan | PlanProblem | None = None
    """Only while there is no Job."""
    job: JobView | None = None
    """None only when the API server itself said so."""
    pod: PodView | None = None
    creation_problem: StartProblem | None = None
    """Why the Job controller cannot create the pod."""
    warning: str = ""
    """Newest warning about a pod that does not start."""
    manifest: OutputManifest | None = None
    log: LogRecord | None = None
    output: MainOutput | None = None
    results_unknown: bool = False
    """The store did not answer: what is missing above may be there."""

    @property
    def status(self) -> ExecutionStatus:
        """Return the recorded status."""
        return self.execution.status


@dataclass(frozen=True, slots=True)
class Decision:
    """What should be: the status, and what is to be done, before or after it is written."""

    status: ExecutionStatus
    create: bool = False
    """Create the plan's children, then decide again."""
    follow_log: bool = False
    stop_pod: bool = field(default=False, kw_only=True)
    """After the status is written: end main by the pod's deadline."""
    delete_job: bool = field(default=False, kw_only=True)
    """After the status is written."""
    delete_execution: bool = field(default=False, kw_only=True)
    wake_after: float | None = None
    """Seconds until something may have to be decided again without any event."""


def decide(seen: Observation) -> Decision:
    """Decide what to do and to say about an execution."""
    if seen.execution.metadata.deletion_timestamp is not None:
        return Decision(seen.status)
    if seen.status.phase is not None and seen.status.phase.terminal:
        return _after_the_end(seen)
    if seen.job is None:
        return _without_job(seen)
    job = seen.job
    seen = _recorded(seen, job)
    if seen.pod is None:
        return _without_pod(seen, job)
    main = seen.pod.main
    if main.terminated is not None or seen.pod.ended:
        return _collect(seen, main.terminated)
    if main.running is not None:
        return _running(seen, seen.pod, main.running.started_at)
    return _starting(seen, seen.pod)


def _after_the_end(seen: Observation) -> Decision:
    generation = seen.execution.metadata.generation
    decision = Decision(
        seen.status.model_copy(update={"observed_generation": generation}), delete_job=seen.job is not None
    )
    ttl = seen.execution.spec.ttl_seconds_after_finished
    if ttl is None or seen.status.completion_time is None:
        return decision
    left = (seen.status.completion_time + timedelta(seconds=ttl) - seen.now).total_seconds()
    if left <= 0:
        return replace(decision, delete_execution=True)
    return replace(decision, wake_after=left)


def _recorded(seen: Observation, job: JobView) -> Observation:
    """Record which Job runs this execution: a recorded Job that is gone is never created again."""
    reference = JobReference(name=job.metadata.name, uid=job.metadata.uid)
    status = seen.status.model_copy(update={"job": reference, "attempts": seen.status.attempts or 1})
    return _with_status(seen, status)


def _with_status(seen: Observation, status: ExecutionStatus) -> Observation:
    return replace(seen, execution=seen.execution.model_copy(update={"status": status}))


def _without_job(seen: Observation) -> Decision:
    if seen.status.job is not None:
        return _job_gone(seen)
    if seen.execution.spec.cancel:
        return _finish(seen, Phase.CANCELLED, Reason.CANCELLED)
    if isinstance(seen.plan, PlanProblem):
        problem = seen.plan
        age = _seconds(seen.now, seen.execution.metadata.creation_timestamp)
        limit = min(seen.limits.missing_reference, seen.times.start_timeout) if problem.waiting else 0
        if age >= limit:
            return _finish(seen, Phase.FAILED, problem.reason, problem.detail)
        return _say(seen, Phase.PENDING, problem.reason, problem.detail, wake=min(limit - age, 5))
    return Decision(seen.status, create=True)


def _job_gone(seen: Observation) -> Decision:
    if seen.pod is not None and not seen.pod.ended and seen.pod.main.terminated is None:
        # Its pod is being ended too; what it still writes and prints is kept.
        return _say(seen, Phase.RUNNING, Reason.STOPPING, follow=seen.pod.main.running is not None, wake=2)
    if _log_pending(seen):
        return _say(seen, _current_phase(seen), Reason.COLLECTING, follow=True, wake=2)
    if seen.status.stop_requested is not None:
        return _end(seen, None)
    return _finish(seen, Phase.FAILED, Reason.JOB_DELETED)


def _without_pod(seen: Observation, job: JobView) -> Decision:
    if seen.status.pod is not None or job.failed is not None or job.complete:
        if _log_pending(seen):
            return _say(seen, _current_phase(seen), Reason.COLLECTING, follow=True, wake=2)
        decision = _end(seen, None)
        return replace(decision, delete_job=True)
    if (stopped := _stop_before_start(seen)) is not None:
        return stopped
    if job.spec.suspend:
        queue = seen.execution.spec.queue_name
        return _say(seen, Phase.PENDING, Reason.QUEUED, f'Its queue is "{queue}".' if queue else "")
    since = job.status.start_time or job.metadata.creation_timestamp
    return _start_or_fail(seen, seen.creation_problem, _seconds(seen.now, since))


def _starting(seen: Observation, pod: PodView) -> Decision:
    if (stopped := _stop_before_start(seen)) is not None:
        return stopped
    scheduled = pod.condition("PodScheduled")
    since = pod.metadata.creation_timestamp
    if scheduled is not None and scheduled.status == "True" and scheduled.last_transition_time is not None:
        since = scheduled.last_transition_time
    return _start_or_fail(seen, start_problem(pod, seen.limits), _seconds(seen.now, since))


def _stop_before_start(seen: Observation) -> Decision | None:
    """Nothing has started, so there is no log and no output to lose with the Job."""
    if not seen.execution.spec.cancel and seen.status.stop_requested is None:
        return None
    if seen.status.stop_requested is None:
        seen = _with_status(seen, _stop_requested(seen, StopReason.CANCELLED))
    decision = _say(seen, Phase.PENDING, Reason.STOPPING, wake=2)
    return replace(decision, delete_job=True)


def _start_or_fail(seen: Observation, problem: StartProblem | None, age: float) -> Decision:
    limit = seen.times.start_timeout
    if problem is None:
        if age >= limit:
            return _finish(seen, Phase.FAILED, Reason.START_TIMEOUT, seen.warning)
        return _say(seen, Phase.PENDING, Reason.STARTING, wake=min(limit - age, _next_look(age)))
    if problem.limit is not None:
        limit = min(limit, problem.limit)
    reason, detail = problem.reason, problem.detail
    if reason is Reason.IMAGE_PULL_FAILED and seen.status.reason in {
        Reason.IMAGE_NOT_FOUND,
        Reason.IMAGE_PULL_FORBIDDEN,
    }:
        # Between two tries the kubelet says only that it waits; the cause is the one said before.
        reason, detail = Reason(seen.status.reason), ""
        limit = min(limit, seen.limits.image_refused)
    if age >= limit:
        if not detail and seen.status.message:
            return _finish(seen, Phase.FAILED, reason, message=seen.status.message)
        return _finish(seen, Phase.FAILED, reason, detail)
    if seen.status.reason == reason and seen.status.message:
        # The kubelet words the same cause differently from try to try: one write says it.
        return _say(seen, Phase.PENDING, reason, message=seen.status.message, wake=limit - age)
    return _say(seen, Phase.PENDING, reason, detail, wake=limit - age)


def _next_look(age: float) -> float:
    """Some causes, such as a refused pod or a volume that cannot be mounted, change neither Job nor pod."""
    return 3 if age < 10 else 15


def _running(seen: Observation, pod: PodView, started_at: datetime) -> Decision:
    seen = _with_status(
        seen, seen.status.model_copy(update={"start_time": started_at, "pod": _pod_reference(pod)})
    )
    if seen.status.stop_requested is not None:
        return _stopping(seen, pod)
    if seen.execution.spec.cancel:
        seen = _with_status(seen, _stop_requested(seen, StopReason.CANCELLED))
        return _stopping(seen, pod)
    timeout = seen.times.timeout
    if timeout is None:
        return _say(seen, Phase.RUNNING, Reason.RUNNING, follow=True)
    left = timeout - _seconds(seen.now, started_at)
    if left <= 0:
        seen = _with_status(seen, _stop_requested(seen, StopReason.TIMEOUT))
        return _stopping(seen, pod)
    return _say(seen, Phase.RUNNING, Reason.RUNNING, follow=True, wake=left)


def _stopping(seen: Observation, pod: PodView) -> Decision:
    decision = _say(seen, Phase.RUNNING, Reason.STOPPING, follow=True, wake=5)
    return replace(decision, stop_pod=pod.spec.active_deadline_seconds != STOP_DEADLINE)


STOP_DEADLINE: Final = 1
"""``activeDeadlineSeconds`` of a pod that is to end now: the kubelet counts from the pod's start."""


def _collect(seen: Observation, end: TerminatedView | None) -> Decision:
    pod, before = seen.pod, seen.status
    if pod is not None:
        updates: dict[str, object] = {"pod": _pod_reference(pod)}
        if end is not None and end.started_at is not None and end.reason not in START_ERRORS:
            updates["start_time"] = end.started_at
        seen = _with_status(seen, seen.status.model_copy(update=updates))
    started = end is not None and end.reason not in START_ERRORS
    if not started:
        return replace(_end(seen, end), delete_job=True)
    finished_at = (end.finished_at if end is not None else None) or seen.now
    since = _seconds(seen.now, finished_at)
    waiting_for_result = seen.manifest is None and not _collector_gave_up(seen)
    if (waiting_for_result or seen.log is None) and since < seen.times.collect_timeout:
        status = seen.status.model_copy(update={"exit_code": end.exit_code if end is not None else None})
        if since < COLLECT_NOTICE:
            # Most runs are collected by then: the end is one write.
            return Decision(before, follow_log=True, wake_after=1)
        return _say(
            _with_status(seen, status), Phase.RUNNING, Reason.COLLECTING, follow=True, collecting=True, wake=5
        )
    return replace(_end(seen, end), delete_job=True)


def _collector_gave_up(seen: Observation) -> bool:
    """Tell whether no commit can come any more: the pod is over, and a commit under way had its time."""
    if seen.results_unknown or seen.pod is None or not seen.pod.ended:
        return False
    ended = seen.pod.collector.terminated
    if ended is None or ended.finished_at is None:
        return True
    return _seconds(seen.now, ended.finished_at) > COMMIT_GRACE


def _log_pending(seen: Observation) -> bool:
    return seen.status.pod is not None and seen.status.start_time is not None and seen.log is None


def _current_phase(seen: Observation) -> Phase:
    return Phase.RUNNING if seen.status.start_time is not None else Phase.PENDING


def _end(seen: Observation, end: TerminatedView | None) -> Decision:
    """End the execution for good, with whatever was kept."""
    if end is None and seen.status.exit_code is not None:
        end = TerminatedView(exit_code=seen.status.exit_code)
    verdict = judge(
        stop=seen.status.stop_requested,
        pod=seen.pod,
        end=end,
        manifest=seen.manifest,
        log=seen.log,
        output=seen.output,
    )
    if end is not None:
        exit_code = end.exit_code
        seen = _with_status(seen, seen.status.model_copy(update={"exit_code": exit_code}))
    return _finish(seen, verdict.phase, verdict.reason, message=verdict.message, end=end)


def _finish(
    seen: Observation,
    phase: Phase,
    reason: Reason,
    detail: str = "",
    *,
    message: str | None = None,
    end: TerminatedView | None = None,
) -> Decision:
    status = seen.status
    updates: dict[str, object] = {
        "completion_time": seen.now,
        "result": result_of(seen.manifest, seen.output),
        "log": log_of(seen.log),
    }
    started = status.start_time
    finished = end.finished_at if end is not None else None
    wait = run = collect = None
    if started is not None:
        wait = max(0, round(_seconds(started, seen.execution.metadata.creation_timestamp)))
        run = max(0, round(_seconds(finished or seen.now, started)))
        updates["duration"] = format_duration(run)
    if finished is not None:
        collect = max(0, round(_seconds(seen.now, finished)))
    updates["usage"] = Usage(wait_seconds=wait, run_seconds=run, collect_seconds=collect)
    final = with_phase(
        status.model_copy(update=updates),
        phase,
        reason,
        sentence(reason, detail) if message is None else message,
        now=seen.now,
        generation=seen.execution.metadata.generation,
    )
    ttl = seen.execution.spec.ttl_seconds_after_finished
    return Decision(final, delete_job=seen.job is not None, wake_after=ttl)


def _say(
    seen: Observation,
    phase: Phase,
    reason: Reason,
    detail: str = "",
    *,
    message: str | None = None,
    follow: bool = False,
    collecting: bool = False,
    wake: float | None = None,
) -> Decision:
    status = with_phase(
        seen.status,
        phase,
        reason,
        sentence(reason, detail) if message is None else message,
        now=seen.now,
        generation=seen.execution.metadata.generation,
        collecting=collecting,
    )
    return Decision(status, follow_log=follow, wake_after=wake)


def _stop_requested(seen: Observation, reason: StopReason) -> ExecutionStatus:
    return seen.status.model_copy(update={"stop_requested": StopRequest(reason=reason, time=seen.now)})


def _pod_reference(pod: PodView) -> PodReference:
    return PodReference(name=pod.metadata.name, uid=pod.metadata.uid, node=pod.spec.node_name)


def _seconds(later: datetime, earlier: datetime) -> float:
    return (later - earlier).total_seconds()
