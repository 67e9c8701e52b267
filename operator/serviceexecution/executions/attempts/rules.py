"""Whether a run that has failed is tried again, and what is said when it is not. Pure."""

from dataclasses import dataclass
from typing import Final

from serviceexecution.contract.quantities import format_quantity
from serviceexecution.executions.attempts.memory import more_memory, raised_memory
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.retry import Retry
from serviceexecution.resources.names import MAIN_CONTAINER, STAGE_IN_CONTAINER
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_end import UNKNOWN_END

STARTLESS_RETRIES: Final = 3
"""How often a run is tried again by itself whose program did not start. Each may wait for spec.startTimeout."""

_STARTLESS: Final = frozenset({Reason.NOT_STARTED, Reason.NODE_REFUSED, Reason.EVICTED})
_PROGRAM: Final = frozenset({Reason.PROGRAM_FAILED, Reason.OUT_OF_MEMORY})
"""Ends of which exit codes tell."""
_NO_ROOM: Final = frozenset({Reason.POD_REFUSED, Reason.QUOTA_EXCEEDED, Reason.UNSCHEDULABLE})


@dataclass(frozen=True, slots=True)
class Again:
    """That another attempt is made. ``counts``: the one that has ended counts for ``retry.maxAttempts``.

    ``same_job``: its Job stays, and its queue lets it run again.
    """

    counts: bool
    same_job: bool = False


def another_attempt(seen: Observation, reason: Reason, exit_code: int | None) -> Again | None:
    """Decide whether another attempt is made after one that has failed for this reason."""
    if seen.status.job is None or seen.execution.spec.cancel or seen.is_going:
        return None
    earlier = seen.status.earlier_attempts or ()
    startless = sum(not one.counts for one in earlier)
    if reason in _STARTLESS and startless < STARTLESS_RETRIES and has_certainly_not_started(seen):
        return Again(counts=False)
    retry = seen.execution.spec.retry
    if retry is None or _counted(seen) >= retry.max_attempts or not _is_asked(seen, retry, reason, exit_code):
        return None
    return Again(counts=True, same_job=reason is Reason.PREEMPTED and _is_queued_again(seen.job))


def has_certainly_not_started(seen: Observation) -> bool:
    """Tell whether neither main nor an init container of the user was ever a process, beyond doubt."""
    pod = seen.pod
    if pod is None or seen.status.start_time is not None or not (pod.never_ran or _was_never_made(pod)):
        return False
    init = [one for one in pod.status.init_container_statuses if one.name != STAGE_IN_CONTAINER]
    if any(one.was_made or one.state.running or one.state.terminated for one in init):
        return False
    return not _was_given_up(pod)


def attempts_made(seen: Observation, reason: Reason, exit_code: int | None) -> str:
    """Return what the last attempt's end says of all attempts; empty when there was one and no rule asked for more."""
    retry, made = seen.execution.spec.retry, seen.status.attempts or 1
    parts: list[str] = []
    rule = None if retry is None or reason is not Reason.OUT_OF_MEMORY else retry.on_out_of_memory
    limit = _memory_limit(seen)
    if rule is not None and seen.pod is not None and limit is None:
        parts.append("spec.retry.onOutOfMemory raises nothing where there is no limit.")
    elif rule is not None and more_memory(rule, limit) is None:
        parts.append(f"It is not raised further: spec.retry.onOutOfMemory.maxMemory is {rule.max_memory}.")
    if reason in _NO_ROOM:
        raised = raised_memory(retry, seen.status.earlier_attempts or ())
        if raised is not None:
            parts.append(
                f"Its memory limit was raised to {format_quantity(raised)} by spec.retry.onOutOfMemory."
            )
    if made > 1:
        full = retry is not None and _counted(seen) >= retry.max_attempts
        if full and retry is not None and _is_asked(seen, retry, reason, exit_code):
            parts.append(f"{made} attempts were made, as many as spec.retry.maxAttempts allows.")
        else:
            parts.append(f"{made} attempts were made.")
    return " ".join(parts)


def _counted(seen: Observation) -> int:
    """Return how many attempts count, the one that has just ended included."""
    return sum(one.counts for one in seen.status.earlier_attempts or ()) + 1


def _is_asked(seen: Observation, retry: Retry, reason: Reason, exit_code: int | None) -> bool:
    rule = retry.on_out_of_memory if reason is Reason.OUT_OF_MEMORY else None
    if rule is not None and more_memory(rule, _memory_limit(seen)) is not None:
        return True
    if reason in _PROGRAM and exit_code in (retry.on_exit_codes or ()):
        return True
    return reason in {one.value for one in retry.on_reasons or ()}


def _memory_limit(seen: Observation) -> str | None:
    return None if seen.pod is None else seen.pod.spec.memory_limit


def _is_queued_again(job: JobView | None) -> bool:
    """Tell whether the queue still has the Job: it is admitted again, at its old place."""
    return job is not None and job.failed is None and not job.complete and not job.is_going


def _was_never_made(pod: PodView) -> bool:
    """Tell whether the node ended a pod on demand and found no container of main, nor ever told of one."""
    asked = pod.is_going or pod.status.reason == "Evicted"
    found = next((one for one in pod.status.container_statuses if one.name == MAIN_CONTAINER), None)
    if not (asked and pod.ended) or found is None or found.was_made:
        return False
    end = found.state.terminated
    return end is not None and end.reason == UNKNOWN_END and end.started_at is None


def _was_given_up(pod: PodView) -> bool:
    """Tell whether the control plane wrote the pod off in the place of its node, which may know better."""
    disrupted = pod.condition("DisruptionTarget")
    return disrupted is not None and disrupted.reason == "DeletionByPodGC"
