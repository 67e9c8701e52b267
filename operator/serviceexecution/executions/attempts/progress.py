"""Which attempt an execution is at, as its status tells. Pure."""

from typing import Final

from serviceexecution.resources.executions.execution_status import EarlierAttempt, ExecutionStatus

FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 300.0
"""Seconds between the end of an attempt and the next one. Each pause is twice as long as the one before, as between the
pods of a Kubernetes Job."""


def left_attempt(status: ExecutionStatus) -> EarlierAttempt | None:
    """Return the attempt that has ended while the next one has no Job yet; None when there is none such."""
    earlier = status.earlier_attempts
    if status.job is not None or not earlier or earlier[-1].attempt != status.attempts:
        return None
    return earlier[-1]


def attempt_of(status: ExecutionStatus) -> int:
    """Return the number of the attempt that has a Job, or gets the next one."""
    attempts = status.attempts or 1
    return attempts if left_attempt(status) is None else attempts + 1


def pause_after(status: ExecutionStatus) -> float:
    """Return the seconds between the end of the newest of the earlier attempts and the next one."""
    made = len(status.earlier_attempts or ())
    return min(FIRST_PAUSE * 2.0 ** max(0, made - 1), LONGEST_PAUSE)


def left_pods(status: ExecutionStatus) -> frozenset[str]:
    """Return the uids of the pods of earlier attempts: one Job may have had several, when its queue suspended it."""
    return frozenset(one.pod.uid for one in status.earlier_attempts or () if one.pod is not None)
