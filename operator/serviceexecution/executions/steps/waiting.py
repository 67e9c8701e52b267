"""An execution without a Job: it is planned, waits for what it lacks, or cannot be run at all."""

import re
from typing import Final

from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision, finish, say
from serviceexecution.executions.place import has_moved
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.reasons import Reason, sentence
from serviceexecution.executions.steps.starting import message_so_far
from serviceexecution.resources.executions.execution_status import Phase

QUEUED_RECHECK: Final = 300.0
"""Seconds; whatever makes room wakes the next ones at once."""

FIRST_RECHECK: Final = 5.0
LONGEST_RECHECK: Final = 60.0
"""Seconds between looks at objects whose coming no watch tells, such as a ConfigMap or room in a quota. Each look costs
requests, so the pause is as long as the wait so far, within these two."""

REFUSED_FOR_NOW: Final = frozenset({Reason.QUOTA_EXCEEDED, Reason.WEBHOOK_FAILED})
"""What the API server may take a while later; until then it words it differently from try to try."""

WOKEN_BY_EVENTS: Final = frozenset({Reason.SERVICE_NOT_FOUND, Reason.SERVICE_NOT_READY})
"""A change of the service wakes the executions that wait for it."""

_DIGITS: Final = re.compile(r"\d+")


def without_job(seen: Observation) -> Decision:
    """Decide about an execution for which no Job was ever recorded."""
    if seen.execution.spec.cancel:
        return finish(seen, Phase.CANCELLED, Reason.CANCELLED)
    if not isinstance(seen.plan, PlanProblem):
        staged = () if seen.plan is None else seen.plan.staged
        if seen.taken is None and not (staged and seen.status.data_pools is None):
            return Decision(seen.status, create=True)
        # Recorded before anything is created, so that a later change of service or data pools changes no run.
        seen = seen.with_status(
            service=seen.taken or seen.status.service,
            data_pools=staged or None,
            input_digest=None if seen.plan is None else seen.plan.input_digest,
        )
        return say(seen, Phase.PENDING, Reason.STARTING, wake=0)
    problem = seen.plan
    if problem.reason is Reason.QUEUED:
        message = message_so_far(seen, problem.reason)
        if message is not None and has_moved(message, problem.detail):
            message = None
        return say(seen, Phase.PENDING, problem.reason, problem.detail, message=message, wake=QUEUED_RECHECK)
    seen = _with_new_cause(seen, problem)
    age = seen.age(seen.since(problem.reason))
    left = _limit(seen, problem) - age
    if left <= 0:
        return finish(seen, Phase.FAILED, problem.reason, problem.detail)
    message = message_so_far(seen, problem.reason) if problem.reason in REFUSED_FOR_NOW else None
    return say(
        seen,
        Phase.PENDING,
        problem.reason,
        problem.detail,
        message=message,
        wake=min(left, _pause(problem, age)),
    )


def _limit(seen: Observation, problem: PlanProblem) -> float:
    """Return how many seconds this cause may last."""
    if not problem.waiting:
        return 0.0
    limit = seen.times.start_timeout
    if problem.reason not in REFUSED_FOR_NOW and not problem.coming:
        limit = min(limit, seen.limits.missing_reference)
    return limit


def _with_new_cause(seen: Observation, problem: PlanProblem) -> Observation:
    """Forget since when the reason is said if another cause now has it, such as a build that has failed."""
    said, now = seen.status.message or "", sentence(problem.reason, problem.detail)
    same = _DIGITS.sub("", said) == _DIGITS.sub("", now)
    if same or seen.status.reason != problem.reason or problem.reason in REFUSED_FOR_NOW:
        return seen
    return seen.with_status(reason=None, since=None)


def _pause(problem: PlanProblem, age: float) -> float:
    """Return after how many seconds to look again at what keeps an execution waiting for so long."""
    if problem.coming or problem.reason in WOKEN_BY_EVENTS:
        return LONGEST_RECHECK
    return max(FIRST_RECHECK, min(age, LONGEST_RECHECK))
