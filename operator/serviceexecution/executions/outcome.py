"""Puts a decision together: the status that says it, and what is to be done beside writing it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from serviceexecution.contract.durations import format_duration
from serviceexecution.executions.attempts.leaving import left
from serviceexecution.executions.attempts.rules import another_attempt, attempts_made
from serviceexecution.executions.conditions import with_phase
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.pools.written import with_writes
from serviceexecution.executions.reasons import Reason, sentence
from serviceexecution.executions.times import with_times
from serviceexecution.executions.verdict import judge, result_of
from serviceexecution.resources.executions.execution_status import (
    CallbackState,
    CallbackStatus,
    ExecutionStatus,
    Phase,
    PodReference,
    StopReason,
    StopRequest,
)
from serviceexecution.resources.executions.execution_usage import Usage
from serviceexecution.resources.pods.observed import PodView, TerminatedView
from serviceexecution.resources.pods.pod_end import UNKNOWN_END
from serviceexecution.resources.services.effective import after_the_end
from serviceexecution.store.kept_logs import log_of, lost_part
from serviceexecution.store.records import OutputManifest
from serviceexecution.store.usage.kept import usage_of

_KEEP_OUTPUT: Final = frozenset(
    {Reason.CANCELLED, Reason.TIMEOUT, Reason.PREEMPTED, Reason.PROGRAM_FAILED, Reason.OUT_OF_MEMORY}
)
"""Ends with which what the program has written so far is kept; others say themselves what was lost."""
_OUTPUT_LOST: Final = "Its output was not kept: it could not be collected in time."
_LOG_LOST: Final = "Its log was not kept: it could not be read in time."
_LOG_CUT: Final = "A part of its log was lost."


@dataclass(frozen=True, slots=True)
class Decision:
    """What should be: the status, and what is to be done, before or after it is written."""

    status: ExecutionStatus
    create: bool = False
    """Create the plan's children, then decide again."""
    follow_log: PodReference | None = None
    """Follow the log of main in this pod."""
    stop_pod: bool = field(default=False, kw_only=True)
    """After the status is written: end main by the pod's deadline."""
    delete_job: bool = field(default=False, kw_only=True)
    """After the status is written."""
    delete_execution: bool = field(default=False, kw_only=True)
    leaves: bool = field(default=False, kw_only=True)
    """An attempt has ended, and another one is made: what is known of it is of no more use."""
    wake_after: float | None = None
    """Seconds until something may have to be decided again without any event."""

    @property
    def has_started(self) -> bool:
        """Tell whether the program of the attempt that this is about was seen to start."""
        earlier = self.status.earlier_attempts
        if self.leaves and earlier:
            return earlier[-1].start_time is not None
        return self.status.start_time is not None


def say(
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
    """Say where an execution stands that has not ended. ``follow``: the log of the recorded pod."""
    status = with_phase(
        seen.status,
        phase,
        reason,
        sentence(reason, detail) if message is None else message,
        now=seen.now,
        generation=seen.generation,
        collecting=collecting,
    )
    return Decision(status, follow_log=status.pod if follow else None, wake_after=wake)


def to_delete(decision: Decision) -> Decision:
    """Return the decision with the Job to be deleted once its status is written."""
    return replace(decision, delete_job=True)


def stop_recorded(seen: Observation, reason: StopReason) -> Observation:
    """Record why main is stopped before it is: its end is judged by this. The first reason counts."""
    if seen.status.stop_requested is not None:
        return seen
    return seen.with_status(stop_requested=StopRequest(reason=reason, time=seen.now))


def current_phase(seen: Observation) -> Phase:
    """Return the phase of an execution that has not ended."""
    return Phase.RUNNING if seen.status.start_time is not None else Phase.PENDING


def pod_reference(pod: PodView) -> PodReference:
    """Return what status says of the pod."""
    return PodReference(name=pod.metadata.name, uid=pod.metadata.uid, node=pod.spec.node_name)


def end(seen: Observation, main: TerminatedView | None) -> Decision:
    """End the execution for good, judged by how main ended (None: never seen), with whatever was kept."""
    if main is None and seen.status.exit_code is not None:
        main = TerminatedView(exit_code=seen.status.exit_code)
    verdict = judge(
        stop=seen.status.stop_requested,
        pod=seen.pod,
        end=main,
        manifest=seen.manifest,
        log=seen.log,
        output=seen.output,
        output_problem=seen.output_problem,
        output_fault=seen.output_fault,
        left_problem=seen.left_problem,
        started=seen.status.start_time is not None,
        timeout=seen.times.timeout,
    )
    if main is not None and main.reason != UNKNOWN_END:
        seen = seen.with_status(exit_code=main.exit_code)
    lost = seen.manifest is None and seen.status.start_time is not None and verdict.reason in _KEEP_OUTPUT
    message = f"{verdict.message} {_OUTPUT_LOST}" if lost else verdict.message
    return finish(seen, verdict.phase, verdict.reason, message=message, main=main)


def finish(
    seen: Observation,
    phase: Phase,
    reason: Reason,
    detail: str = "",
    *,
    message: str | None = None,
    main: TerminatedView | None = None,
    for_good: bool = False,
) -> Decision:
    """End the execution in this phase, with whatever was kept; its Job goes.

    After a failure there may be another attempt, unless it is ``for_good``.
    """
    message = sentence(reason, detail) if message is None else message
    if phase is not Phase.SUCCEEDED:  # Else the reason is LogMissing
        message = f"{message} {_lost_log(seen, reason)}".rstrip()
    if phase is Phase.FAILED:
        exit_code = seen.status.exit_code
        again = None if for_good else another_attempt(seen, reason, exit_code)
        if again is not None:
            status = left(seen, again, reason, message, exit_code)
            delete = seen.job is not None and not again.same_job
            return Decision(status, leaves=True, delete_job=delete, wake_after=0)
        message = f"{message} {attempts_made(seen, reason, exit_code)}".rstrip()
    started = seen.status.start_time
    finished = main.finished_at if main is not None else None
    wait = run = collect = duration = None
    if started is not None:
        wait = _seconds(started, seen.execution.metadata.creation_timestamp)
        run = _seconds(finished or seen.now, started)
        duration = format_duration(run)
    if finished is not None:
        collect = _seconds(seen.now, finished)
    seen = with_times(seen, main).with_status(
        completion_time=seen.now,
        result=result_of(seen.manifest, seen.output, seen.log, seen.output_fault),
        log=log_of(seen.log),
        duration=duration,
        usage=_usage(seen.manifest, wait, run, collect),
        data_pools=with_writes(
            seen.status.data_pools, () if seen.manifest is None else seen.manifest.data_pools
        ),
        service=after_the_end(seen.status.service),
        callback=None
        if seen.execution.spec.callback is None
        else CallbackStatus(state=CallbackState.PENDING),
    )
    final = with_phase(
        seen.status,
        phase,
        reason,
        message,
        now=seen.now,
        generation=seen.generation,
    )
    ttl = seen.execution.spec.ttl_seconds_after_finished
    has_job = seen.job is not None or seen.left_job is not None
    return Decision(final, delete_job=has_job, wake_after=ttl)


def _lost_log(seen: Observation, reason: Reason) -> str:
    """Return what is said of the log of a program that did not succeed, "" when all of it is kept."""
    if seen.status.start_time is None and reason is not Reason.RAN_BEFORE:
        return ""
    if seen.log is None:
        return _LOG_LOST
    return "" if seen.log.complete else f"{_LOG_CUT} {lost_part(seen.log)}"


def _usage(manifest: OutputManifest | None, wait: int | None, run: int | None, collect: int | None) -> Usage:
    measured = usage_of(manifest)
    used = {} if measured is None else measured.model_dump()
    return Usage(wait_seconds=wait, run_seconds=run, collect_seconds=collect, **used)


def _seconds(later: datetime, earlier: datetime) -> int:
    # The node's clock and the API server's need not agree to the second.
    return max(0, round((later - earlier).total_seconds()))
