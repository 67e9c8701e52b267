"""What is said when an execution with its status is larger than the cluster can hold. Pure.

A spec may be nearly as large as that. Without this the same status would be refused again and again, and the execution
would never end.
"""

from dataclasses import replace
from typing import Final

from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision, finish
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import Phase

_NOT_LISTED: Final = (
    "Its files are not listed here: with them the execution is larger than the cluster can hold."
)
_NO_ROOM: Final = (
    "With its status the execution is larger than the cluster can hold: put large values into spec.inputFrom, a data "
    "pool or the image."
)


def smaller(seen: Observation, decision: Decision) -> Decision | None:
    """Return what is decided when the API server finds the status of a decision too large; None when nothing helps."""
    status = decision.status
    if status.phase is not None and status.phase.terminal:
        if status.result is None or not (status.result.files or status.result.output):
            return None
        words = f"{status.result.message or ''} {_NOT_LISTED}".strip()
        result = status.result.model_copy(update={"files": (), "output": None, "message": words})
        return replace(decision, status=status.model_copy(update={"result": result}))
    if seen.job is not None or seen.status.job is not None:
        return None
    return finish(seen, Phase.FAILED, Reason.INVALID_SPEC, _NO_ROOM)
