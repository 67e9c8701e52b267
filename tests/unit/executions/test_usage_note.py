"""What an execution adds to its service's sums."""

from datetime import UTC, datetime, timedelta

import pytest

from serviceexecution.executions.usage_note import usage_note
from serviceexecution.resources.executions.execution_status import (
    EarlierAttempt,
    ExecutionStatus,
    JobReference,
    Phase,
)
from serviceexecution.resources.executions.execution_usage import MeasuredUsage, Usage

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
MIB = 2**20


def test_all_attempts_count():
    earlier = EarlierAttempt(
        attempt=1,
        reason="ProgramFailed",
        message="",
        job=JobReference(name="j", uid="u"),
        start_time=START,
        end_time=START + timedelta(seconds=10),
        usage=MeasuredUsage(cpu_seconds=2.0, memory_peak_bytes=100 * MIB),
    )
    status = ExecutionStatus(
        phase=Phase.SUCCEEDED,
        earlier_attempts=(earlier,),
        usage=Usage(run_seconds=20, cpu_seconds=5.04, memory_peak_bytes=300 * MIB),
    )
    note = usage_note("uid", status)
    assert (note.uid, note.outcome, note.cpu_milliseconds, note.mebibyte_seconds) == ("uid", "S", 7040, 7000)


@pytest.mark.parametrize(
    ("phase", "outcome"), [(Phase.SUCCEEDED, "S"), (Phase.FAILED, "F"), (Phase.CANCELLED, "C")]
)
def test_an_execution_that_never_ran_counts_with_nothing_used(phase, outcome):
    note = usage_note("uid", ExecutionStatus(phase=phase))
    assert (note.outcome, note.cpu_milliseconds, note.mebibyte_seconds) == (outcome, 0, 0)
