"""Why an execution's pod has not started its program yet, as one of the reasons of executions."""

from dataclasses import dataclass

from serviceexecution.executions.reasons import Reason
from serviceexecution.resources import pod_start
from serviceexecution.resources.pod_start import StartLimits
from serviceexecution.resources.views import PodView


@dataclass(frozen=True, slots=True)
class StartProblem:
    """A cause that keeps the program from starting. ``limit`` in seconds, None for the start timeout."""

    reason: Reason
    detail: str
    limit: float | None


def start_problem(pod: PodView, limits: StartLimits) -> StartProblem | None:
    """Return what keeps ``pod``'s main container from starting, or None when it is just on its way."""
    found = pod_start.start_problem(pod, limits)
    return None if found is None else _problem(found)


def creation_problem(message: str, limits: StartLimits) -> StartProblem:
    """Classify why the Job controller could not create the pod, from its FailedCreate event."""
    return _problem(pod_start.creation_problem(message, limits))


def _problem(found: pod_start.StartProblem) -> StartProblem:
    return StartProblem(Reason(found.reason.value), found.detail, found.limit)
