"""What is in the way of a plan."""

from dataclasses import dataclass

from serviceexecution.executions.reasons import Reason


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """Why a spec cannot be run.

    ``waiting``: an object is missing that may still come. ``coming``: it is being made, so that only the start timeout
    bounds the wait.
    """

    reason: Reason
    detail: str
    waiting: bool = False
    coming: bool = False
