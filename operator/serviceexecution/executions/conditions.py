"""Puts a status together so that people, kubectl wait and kstatus (helm --wait, Flux) read the same."""

from datetime import datetime
from typing import Literal

from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import Condition, ExecutionStatus, Phase


def with_phase(
    status: ExecutionStatus,
    phase: Phase,
    reason: Reason,
    message: str,
    *,
    now: datetime,
    generation: int,
    collecting: bool = False,
) -> ExecutionStatus:
    """Return ``status`` in ``phase``, its conditions following: a transition time moves only when a status flips."""
    truths = {
        "Complete": phase is Phase.SUCCEEDED,
        "Failed": phase is Phase.FAILED,
        "Cancelled": phase is Phase.CANCELLED,
        "Collecting": collecting and not phase.terminal,
        "Reconciling": not phase.terminal,
        "Stalled": phase is Phase.FAILED,
    }
    before = {condition.type: condition for condition in status.conditions}
    conditions = tuple(
        Condition(
            type=name,
            status=_status(truth),
            reason=reason.value,
            message=message if truth else "",
            last_transition_time=_since(before.get(name), truth, now),
            observed_generation=generation,
        )
        for name, truth in truths.items()
    )
    return status.model_copy(
        update={
            "phase": phase,
            "reason": reason.value,
            "message": message,
            "observed_generation": generation,
            "conditions": conditions,
        }
    )


def _status(truth: bool) -> Literal["True", "False"]:
    return "True" if truth else "False"


def _since(before: Condition | None, truth: bool, now: datetime) -> datetime:
    return now if before is None or before.status != _status(truth) else before.last_transition_time
