"""What an execution that has ended adds to the sums of its service. Pure."""

from typing import Final

from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase
from serviceexecution.resources.executions.execution_usage import MeasuredUsage
from serviceexecution.store.usage.sums import UsageNote

_OUTCOMES: Final = {Phase.SUCCEEDED: "S", Phase.FAILED: "F", Phase.CANCELLED: "C"}
_MEBIBYTE: Final = 2**20


def usage_note(uid: str, status: ExecutionStatus) -> UsageNote:
    """Return it: CPU time of all attempts, and the peak of memory for as long as each has run."""
    last = status.usage
    parts: list[tuple[MeasuredUsage | None, float | None]] = [
        (last, last.run_seconds if last is not None else None)
    ]
    for one in status.earlier_attempts or ():
        ran = None if one.start_time is None else (one.end_time - one.start_time).total_seconds()
        parts.append((one.usage, ran))
    cpu = memory = 0.0
    for used, seconds in parts:
        if used is not None:
            cpu += used.cpu_seconds or 0.0
            memory += (used.memory_peak_bytes or 0) / _MEBIBYTE * max(0.0, seconds or 0.0)
    outcome = "F" if status.phase is None else _OUTCOMES.get(status.phase, "F")
    return UsageNote(uid, outcome, round(cpu * 1000), round(memory))
