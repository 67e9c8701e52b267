"""The page docs/architecture/truth-table.md: what ``decide()`` makes of each thing that can be seen."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from serviceexecution.contract.durations import format_duration
from serviceexecution.executions.decide import decide
from serviceexecution.executions.outcome import Decision
from serviceexecution.executions.reasons import MEANINGS, Reason
from serviceexecution.resources.pods.pod_end import STOP_DEADLINE
from tools.pages.markdown import table
from tools.pages.truth_cases import GROUPS, Case, at, execution, observation

PAGE: Final = "docs/architecture/truth-table.md"
_LONGEST: Final = 3 * 3600.0
"""Seconds for which time passes: every limit of a default is shorter."""
_COLUMNS: Final = (
    "What is seen",
    "Phase",
    "Reason and sentence",
    "Whose turn",
    "What is done",
    "If nothing changes",
)
_HEAD: Final = """# The truth table

What the controller decides about each thing that can be seen of an execution. `make generate` writes this page by
running `decide()` over the observations of `tools/pages/truth_cases.py`, and lets time pass until it decides otherwise:
the last column is what it then says, and when. The defaults of the installation hold. How it works is in
[executions.md](executions.md), and what the reasons mean in [reasons.md](../reasons.md).
"""


def truth_table() -> str:
    """Return the page."""
    parts = [
        f"## {title}\n\n{table(_COLUMNS, [_row(case) for case in cases])}" for title, cases in GROUPS.items()
    ]
    return "\n".join((_HEAD, *parts))


def first_decision(case: Case) -> Decision:
    """Return what is decided about a row as it is found."""
    return decide(observation(case, execution(case), case.now, case.members.get("pod")))


def _row(case: Case) -> tuple[str, ...]:
    decision = first_decision(case)
    status = decision.status
    reason = Reason(status.reason) if status.reason else None
    return (
        case.seen,
        status.phase.value if status.phase is not None else "",
        f"`{reason.value}`: {status.message or MEANINGS[reason].sentence}" if reason is not None else "",
        MEANINGS[reason].owner.value if reason is not None else "",
        ", ".join(_deeds(decision)),
        _afterwards(case, decision),
    )


def _deeds(decision: Decision) -> list[str]:
    ends = decision.status.phase is not None and decision.status.phase.terminal
    deeds = {
        "its children are made": decision.create,
        "its log is followed": decision.follow_log is not None,
        "its pod is told to end": decision.stop_pod,
        "its Job is deleted": decision.delete_job,
        "another attempt follows": decision.leaves,
        "its output is kept": ends and decision.status.result is not None,
        "its log is kept": ends and decision.status.log is not None,
    }
    return [deed for deed, done in deeds.items() if done]


def _afterwards(case: Case, decision: Decision) -> str:
    """Return what is decided next when only time passes, and after how long."""
    if _is_last(decision) or _waits_for_others(decision):
        return ""
    for later, seconds in decisions_later(case, decision):
        if _is_new(later, decision):
            return f"`{later.status.reason}` after {format_duration(round(seconds))}"
        if _waits_for_others(later):
            return ""
    return "waits without a limit"


def decisions_later(case: Case, decision: Decision) -> Iterator[tuple[Decision, float]]:
    """Give what is decided while only time passes, and after how many seconds."""
    one, now, pod = execution(case), case.now, case.members.get("pod")
    while now < case.now + _LONGEST and not _is_last(decision):
        if decision.stop_pod and pod is not None:
            pod = pod.model_copy(
                update={"spec": pod.spec.model_copy(update={"active_deadline_seconds": STOP_DEADLINE})}
            )
        one = one.model_copy(update={"status": decision.status})
        if decision.delete_job or decision.wake_after is None:
            return
        now += max(1.0, decision.wake_after)
        decision = decide(replace(observation(case, one, now, pod), now=at(now)))
        yield decision, now - case.now


def _is_last(decision: Decision) -> bool:
    return decision.create or (decision.status.phase is not None and decision.status.phase.terminal)


def _waits_for_others(decision: Decision) -> bool:
    """Tell whether not the time decides what comes next."""
    return decision.delete_job or decision.wake_after is None


def _is_new(decision: Decision, before: Decision) -> bool:
    phase = decision.status.phase
    return decision.status.reason != before.status.reason or (phase is not None and phase.terminal)
