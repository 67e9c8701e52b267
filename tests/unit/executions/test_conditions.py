"""Conditions: KEP-1623, and what kstatus (helm --wait, Flux) makes of them."""

import pytest

from serviceexecution.executions.conditions import with_phase
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_status import ExecutionStatus, Phase
from tests.unit.executions.builders import at

TYPES = ["Complete", "Failed", "Cancelled", "Collecting", "Reconciling", "Stalled"]


def said(before, phase, reason, *, now=10, generation=1, collecting=False):
    return with_phase(
        before, phase, reason, f"{reason}.", now=at(now), generation=generation, collecting=collecting
    )


@pytest.mark.parametrize(
    ("phase", "collecting", "true"),
    [
        (Phase.PENDING, False, {"Reconciling"}),
        (Phase.RUNNING, False, {"Reconciling"}),
        (Phase.RUNNING, True, {"Reconciling", "Collecting"}),
        (Phase.SUCCEEDED, False, {"Complete"}),
        (Phase.FAILED, False, {"Failed", "Stalled"}),
        (Phase.CANCELLED, False, {"Cancelled"}),
        (Phase.SUCCEEDED, True, {"Complete"}),
    ],
)
def test_each_phase_has_its_conditions(phase, collecting, true):
    status = said(ExecutionStatus(), phase, Reason.RUNNING, collecting=collecting)
    assert [one.type for one in status.conditions] == TYPES
    assert {one.type for one in status.conditions if one.status == "True"} == true
    assert {one.status for one in status.conditions} <= {"True", "False"}


def test_phase_reason_message_and_generation_agree_with_the_conditions():
    status = said(ExecutionStatus(), Phase.FAILED, Reason.TIMEOUT, generation=3)
    assert (status.phase, status.reason, status.message) == (Phase.FAILED, "Timeout", "Timeout.")
    assert status.observed_generation == 3
    for one in status.conditions:
        assert one.reason == "Timeout"
        assert one.message == ("Timeout." if one.status == "True" else "")
        assert one.observed_generation == 3


def test_a_transition_time_moves_only_when_its_condition_flips():
    first = said(ExecutionStatus(), Phase.PENDING, Reason.STARTING, now=1)
    second = said(first, Phase.RUNNING, Reason.RUNNING, now=2)
    assert {one.last_transition_time for one in second.conditions} == {at(1)}
    third = said(second, Phase.FAILED, Reason.PROGRAM_FAILED, now=3)
    moved = {one.type for one in third.conditions if one.last_transition_time == at(3)}
    assert moved == {"Failed", "Stalled", "Reconciling"}


def test_a_new_phase_leaves_other_members_of_the_status():
    before = ExecutionStatus(exit_code=3, attempts=1)
    after = said(before, Phase.FAILED, Reason.PROGRAM_FAILED)
    assert (after.exit_code, after.attempts) == (3, 1)
