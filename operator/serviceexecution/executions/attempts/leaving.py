"""What status says when an attempt has ended and another one is to be made. Pure."""

from typing import Final

from serviceexecution.contract.durations import format_duration
from serviceexecution.executions.attempts.progress import pause_after
from serviceexecution.executions.attempts.rules import Again
from serviceexecution.executions.conditions import whole_second, with_phase
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.reasons import Reason, sentence
from serviceexecution.executions.unstarted import NOTHING_RAN
from serviceexecution.resources.executions.execution_status import (
    EarlierAttempt,
    ExecutionStatus,
    Phase,
    PodReference,
)
from serviceexecution.resources.meaning import one_line
from serviceexecution.store.kept_logs import log_of
from serviceexecution.store.usage.kept import usage_of

MESSAGE_CHARACTERS: Final = 300
"""Of an attempt's sentence in the list of attempts."""


def left(
    seen: Observation, again: Again, reason: Reason, message: str, exit_code: int | None
) -> ExecutionStatus:
    """Return the status in which the next attempt is waited for; the one that has ended is in its list."""
    before = seen.status
    assert before.job is not None  # noqa: S101 - no attempt without a Job
    pod = before.pod
    if pod is None and seen.pod is not None:
        pod = PodReference(
            name=seen.pod.metadata.name, uid=seen.pod.metadata.uid, node=seen.pod.spec.node_name
        )
    if reason is Reason.PREEMPTED:
        message = sentence(reason)
    record = EarlierAttempt(
        attempt=before.attempts or 1,
        reason=reason.value,
        message=one_line(message.replace(NOTHING_RAN, "Nothing has run."), MESSAGE_CHARACTERS),
        counts=again.counts,
        job=before.job,
        pod=pod,
        start_time=before.start_time,
        end_time=whole_second(seen.now),
        exit_code=exit_code,
        memory_limit=None if seen.pod is None else seen.pod.spec.memory_limit,
        log=log_of(seen.log),
        usage=usage_of(seen.manifest),
    )
    status = before.model_copy(
        update={
            "earlier_attempts": (*(before.earlier_attempts or ()), record),
            "attempts": record.attempt + 1 if again.same_job else record.attempt,
            "job": before.job if again.same_job else None,
            "pod": None,
            "start_time": None,
            "exit_code": None,
            "stop_requested": None,
        }
    )
    reason = Reason.QUEUED if again.same_job else Reason.RETRYING
    said = queued_message(seen) if again.same_job else retry_message(status, record)
    return with_phase(status, Phase.PENDING, reason, said, now=seen.now, generation=seen.generation)


def queued_message(seen: Observation) -> str:
    """Return what is said of a Job that its queue holds back."""
    queue = seen.execution.spec.queue_name
    return sentence(Reason.QUEUED, f'Its queue is "{queue}".' if queue else "")


def retry_message(status: ExecutionStatus, last: EarlierAttempt) -> str:
    """Return what is said while the next attempt is waited for."""
    pause = format_duration(pause_after(status))
    return sentence(
        Reason.RETRYING,
        f"Attempt {last.attempt} ended as {last.reason}: {last.message} The next one starts {pause} after that.",
    )


def taken_back(status: ExecutionStatus) -> ExecutionStatus:
    """Return the status as it was before its newest attempt was left: there is no other after it."""
    *rest, last = status.earlier_attempts or ()
    return status.model_copy(
        update={
            "earlier_attempts": tuple(rest) or None,
            "job": last.job,
            "pod": last.pod,
            "start_time": last.start_time,
            "exit_code": last.exit_code,
            "log": last.log,
        }
    )
