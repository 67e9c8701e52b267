"""An execution whose last attempt has ended and whose next one has no Job yet."""

from typing import Final

from serviceexecution.contract.durations import format_duration
from serviceexecution.executions.attempts.leaving import retry_message, taken_back
from serviceexecution.executions.attempts.progress import pause_after
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision, finish, say, to_delete
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.steps.running import UNCONFIRMED_END
from serviceexecution.executions.steps.waiting import without_job
from serviceexecution.resources.executions.execution_status import EarlierAttempt, Phase

_FIRST_LOOK: Final = 2.0
_LONGEST_LOOK: Final = 30.0


def between(seen: Observation, last: EarlierAttempt) -> Decision:
    """Decide about an execution after its attempt ``last``: no program runs twice at once."""
    if seen.execution.spec.cancel:
        return finish(seen, Phase.CANCELLED, Reason.CANCELLED)
    age = seen.age(seen.attendance.begin(last.end_time))
    if seen.left_job is None and not seen.left_pod_runs:
        left = pause_after(seen.status) - seen.age(last.end_time)
        return without_job(seen) if left <= 0 else _waits(seen, last, left)
    if age >= UNCONFIRMED_END:
        return _given_up(seen, last)
    decision = _waits(seen, last, min(max(_FIRST_LOOK, age / 4), _LONGEST_LOOK))
    return decision if seen.left_job is None else to_delete(decision)


def _waits(seen: Observation, last: EarlierAttempt, wake: float) -> Decision:
    said = retry_message(seen.status, last)
    return say(seen, Phase.PENDING, Reason.RETRYING, message=said, wake=wake)


def _given_up(seen: Observation, last: EarlierAttempt) -> Decision:
    node = f' of the node "{last.pod.node}"' if last.pod is not None and last.pod.node else ""
    message = (
        f"{last.message} It is not tried again: {format_duration(UNCONFIRMED_END)} after its end the Job or the pod"
        f"{node} is still there, and the program may run."
    )
    seen = seen.as_of(taken_back(seen.status))
    known = last.reason in {one.value for one in Reason}  # Else a newer version wrote it
    reason = Reason(last.reason) if known else Reason.POD_LOST
    return finish(seen, Phase.FAILED, reason, message=message, for_good=True)
