"""Reports in log, metrics and Events what became of an execution, after its status was written."""

import asyncio
from collections.abc import Callable
from typing import Final, Literal

import structlog

from serviceexecution.controller.metrics import RUN_SECONDS, TRANSITIONS
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.trace import spans_of
from serviceexecution.kube.events import EventPoster, ObjectIdentity
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase
from serviceexecution.resources.names import API_GROUP, API_VERSION, KIND
from serviceexecution.tracing.exporter import TraceExporter

logger = structlog.stdlib.get_logger()

_ORDINARY_PHASES: Final = frozenset({Phase.SUCCEEDED, Phase.RUNNING})
_ORDINARY_REASONS: Final = frozenset({Reason.STARTING, Reason.QUEUED, Reason.CANCELLED, Reason.STOPPING})
_COURSE: Final = frozenset({Reason.STARTING, Reason.RUNNING})
"""What each execution comes to when all is well: the status says it, and no Event is posted."""


class ExecutionTransitionReporter:
    """``spawn`` keeps background tasks (posting Events) until they are done; ``traces`` sends spans of executions."""

    def __init__(
        self,
        events: EventPoster,
        spawn: Callable[[asyncio.Task[bool]], None],
        traces: TraceExporter | None = None,
    ) -> None:
        self._events = events
        self._spawn = spawn
        self._traces = traces

    def report(self, before: ServiceExecution, status: ExecutionStatus) -> None:
        """Report the transition, if it is one, to ``status``, which was written."""
        if status.phase is None or (before.status.phase, before.status.reason) == (
            status.phase,
            status.reason,
        ):
            return
        reason, message = status.reason or "", status.message or ""
        logger.info("transition", phase=status.phase.value, reason=status.reason, message=message)
        TRANSITIONS.labels(status.phase.value, reason).inc()
        if status.phase.terminal and status.usage is not None and status.usage.run_seconds is not None:
            RUN_SECONDS.labels(status.phase.value).observe(status.usage.run_seconds)
        if self._traces is not None and status.phase.terminal:
            self._traces.offer(spans_of(before, status))
        if reason in _COURSE and before.status.reason in {None, *_COURSE, Reason.QUEUED}:
            return
        ordinary = status.phase in _ORDINARY_PHASES or reason in _ORDINARY_REASONS
        type_: Literal["Normal", "Warning"] = "Normal" if ordinary else "Warning"
        metadata = before.metadata
        about = ObjectIdentity(
            f"{API_GROUP}/{API_VERSION}", KIND, metadata.namespace, metadata.name, metadata.uid
        )
        self._spawn(
            asyncio.create_task(
                self._events.post(about, type_=type_, reason=reason, message=message),
                name=f"event {metadata.namespace}/{metadata.name}",
            )
        )
