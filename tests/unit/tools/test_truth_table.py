"""The page with the truth table: every reason is met, and every wait has its documented limit."""

import pytest

from serviceexecution.executions.reasons import Reason
from tools.pages.truth_cases import ENDED, GROUPS, RUNNING
from tools.pages.truth_table import first_decision, truth_table


@pytest.fixture(scope="module")
def page():
    return truth_table()


# That etcd was restored is not decided from what is seen, but asked before anything is made.
@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.RAN_BEFORE}))
def test_every_reason_is_in_the_table(page, reason):
    assert f"`{reason.value}`" in page


@pytest.mark.parametrize(
    "case", [case for cases in GROUPS.values() for case in cases], ids=lambda case: case.seen
)
def test_what_is_decided_once_is_decided_again(case):
    assert first_decision(case) == first_decision(case)


def test_only_queues_and_a_store_that_does_not_answer_wait_without_a_limit(page):
    waits = [line for line in page.splitlines() if "waits without a limit" in line]
    assert [line.split(" | ")[0].removeprefix("| ") for line in waits] == [
        "others of the service come first",
        "the store does not answer",
    ]


@pytest.mark.parametrize("case", [*RUNNING, *ENDED], ids=lambda case: case.seen)
def test_no_success_without_output_and_no_end_without_a_log_or_a_word(case):
    status = first_decision(case).status
    if status.phase is not None and status.phase.value == "Succeeded":
        assert status.result is not None
    if status.phase is not None and status.phase.terminal and status.start_time is not None:
        assert status.log is not None or status.reason == Reason.LOG_MISSING


@pytest.mark.parametrize(
    "case",
    [case for cases in GROUPS.values() for case in cases if case.seen.startswith("exit code")],
    ids=lambda case: case.seen,
)
def test_a_case_of_an_exit_code_says_that_code(case):
    """A pod that an earlier attempt has recorded is none of this attempt's: its end would say nothing."""
    code = case.seen.split(",")[0].split(" ")[2]
    assert f"Its exit code is {code}." in (first_decision(case).status.message or "")
