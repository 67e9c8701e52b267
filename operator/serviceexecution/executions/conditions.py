"""Puts a status together so that people, kubectl wait and kstatus (helm --wait, Flux) read the same."""

from datetime import datetime, timedelta
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
    since: datetime | None = None,
) -> ExecutionStatus:
    """Return ``status`` in ``phase``, its conditions following: a transition time moves only when a status flips.

    ``since`` is when the cause began, if that is not to follow from the reason.
    """
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
            "since": reason_since(status, reason, now) if since is None else since,
            "observed_generation": generation,
            "conditions": conditions,
        }
    )


def reason_since(status: ExecutionStatus, reason: str, now: datetime) -> datetime:
    """Return when ``reason`` was first said, which is ``now`` when it is new."""
    if status.reason != reason:
        return whole_second(now)
    if status.since is not None:
        return status.since
    # Of an older version: what it counted from.
    said = {one.type: one.last_transition_time for one in status.conditions if one.status == "True"}
    since = {"Running": status.start_time, "Collecting": said.get("Collecting")}.get(reason)
    return min(since, now) if since is not None else whole_second(now)


def whole_second(time: datetime) -> datetime:
    """Return the time in whole seconds, as it is written; rounded up, so that no limit ends early."""
    return time if time.microsecond == 0 else time.replace(microsecond=0) + timedelta(seconds=1)


def _status(truth: bool) -> Literal["True", "False"]:
    return "True" if truth else "False"


def _since(before: Condition | None, truth: bool, now: datetime) -> datetime:
    return now if before is None or before.status != _status(truth) else before.last_transition_time
