"""The spans of an execution, made from what its status has recorded: one tree, without anything to remember. Pure."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Final

from serviceexecution.contract.traceparent import TraceContext
from serviceexecution.executions.attempts.progress import attempt_of
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import EarlierAttempt, ExecutionStatus, Phase
from serviceexecution.resources.executions.execution_usage import Times
from serviceexecution.resources.names import ANNOTATION_TRACEPARENT
from serviceexecution.tracing.span import Span

_RUN: Final = "run"
_STEPS: Final = ("queue", "schedule", "prepare", "pull", _RUN, "collect")
"""What lasts until the Job is admitted, the pod has a node, its sandbox is made, main starts, main ends, the end."""


def given_trace(execution: ServiceExecution) -> TraceContext | None:
    """Return the caller's trace, as the execution's maker has written it; None when there is none."""
    return TraceContext.parse(execution.metadata.annotations.get(ANNOTATION_TRACEPARENT))


def trace_of_run(execution: ServiceExecution, attempt: int) -> TraceContext:
    """Return where a program's own spans belong: below its run's, which is sent when the execution has ended."""
    given = given_trace(execution)
    uid = execution.metadata.uid
    if given is None:
        return TraceContext(_trace_id(uid), _span_id(uid, f"{_RUN} {attempt}"))
    if not given.sampled:
        return given
    return TraceContext(given.trace_id, _span_id(uid, f"{_RUN} {attempt}"), given.flags)


def spans_of(execution: ServiceExecution, status: ExecutionStatus) -> tuple[Span, ...]:
    """Return the spans of an execution that has ended, none when its caller does not record the trace.

    Times of the node and of the API server are of two clocks: no span begins before the one before it has ended.
    """
    given, ended = given_trace(execution), status.completion_time
    if ended is None or (given is not None and not given.sampled):
        return ()
    uid, created = execution.metadata.uid, execution.metadata.creation_timestamp
    trace_id = _trace_id(uid) if given is None else given.trace_id
    root = _span_id(uid, "execution")
    earlier = tuple(_earlier_runs(execution, status, trace_id, root))
    begin = max((created, *(one.end for one in earlier)))
    steps = tuple(_steps(execution, status, trace_id, root, begin))
    whole = Span(
        trace_id=trace_id,
        span_id=root,
        parent_id=None if given is None else given.span_id,
        name="execution",
        start=created,
        end=max((ended, *(one.end for one in steps))),
        attributes=_about(execution, status),
        problem=status.message or status.reason if status.phase is Phase.FAILED else None,
    )
    return (whole, *earlier, *steps)


def _steps(
    execution: ServiceExecution, status: ExecutionStatus, trace_id: str, parent: str, begin: datetime
) -> Iterator[Span]:
    """Give the steps of the last attempt, of which the last one ends with the execution."""
    uid, attempt = execution.metadata.uid, attempt_of(status)
    # What is recorded may still be of the attempt before, whose pod is gone
    of_earlier = bool(status.earlier_attempts) and status.pod is None
    times = Times() if of_earlier or status.times is None else status.times
    moments = (times.admitted, times.scheduled, times.prepared, times.started, times.ended)
    known = max((place for place, moment in enumerate(moments, 1) if moment is not None), default=0)
    for place, name in enumerate(_STEPS[: known + 1]):
        moment = status.completion_time if place == known else moments[place]
        if moment is None:
            continue  # Its time is part of the next step's
        end = max(begin, moment)
        yield Span(
            trace_id=trace_id,
            span_id=_span_id(uid, f"{name} {attempt}"),
            parent_id=parent,
            name=name,
            start=begin,
            end=end,
            attributes=_about_run(status, attempt) if name == _RUN else {},
        )
        begin = end


def _earlier_runs(
    execution: ServiceExecution, status: ExecutionStatus, trace_id: str, parent: str
) -> Iterator[Span]:
    for one in status.earlier_attempts or ():
        if one.start_time is not None:
            yield Span(
                trace_id=trace_id,
                span_id=_span_id(execution.metadata.uid, f"{_RUN} {one.attempt}"),
                parent_id=parent,
                name=_RUN,
                start=one.start_time,
                end=max(one.start_time, one.end_time),
                attributes=_about_run(one, one.attempt),
                problem=one.message,
            )


def _about(execution: ServiceExecution, status: ExecutionStatus) -> dict[str, str | int]:
    metadata, service = execution.metadata, execution.spec.service_ref
    facts: dict[str, str | int | None] = {
        "k8s.namespace.name": metadata.namespace,
        "serviceexecution.execution": metadata.name,
        "serviceexecution.uid": metadata.uid,
        "serviceexecution.service": None if service is None else service.name,
        "serviceexecution.phase": None if status.phase is None else status.phase.value,
        "serviceexecution.reason": status.reason,
        "serviceexecution.attempts": status.attempts,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _about_run(of: ExecutionStatus | EarlierAttempt, attempt: int) -> dict[str, str | int]:
    facts: dict[str, str | int | None] = {
        "serviceexecution.attempt": attempt,
        "k8s.pod.name": None if of.pod is None else of.pod.name,
        "k8s.node.name": None if of.pod is None else of.pod.node,
        "process.exit.code": of.exit_code,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _trace_id(uid: str) -> str:
    return sha256(f"trace {uid}".encode()).hexdigest()[:32]


def _span_id(uid: str, name: str) -> str:
    return sha256(f"span {uid} {name}".encode()).hexdigest()[:16]
