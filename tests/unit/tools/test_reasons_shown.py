"""The page that shows each reason: it has all of them, each with its words and with what to do."""

import pytest

from serviceexecution.builds.reasons import BuildReason
from serviceexecution.executions.reasons import Reason
from tools.pages.reasons_shown import build_statuses, execution_statuses, reasons_shown
from tools.pages.remedies import BUILDS, EXECUTIONS


@pytest.fixture(scope="module")
def parts():
    """Return the page's part about executions and its part about builds."""
    return reasons_shown().split("## Builds\n")


@pytest.fixture(scope="module")
def of_executions():
    return execution_statuses()


@pytest.fixture(scope="module")
def of_builds():
    return build_statuses()


def section(part, name):
    return part.partition(f"### `{name}`\n")[2].partition("\n### ")[0]


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_of_an_execution_is_shown_by_kubectl_the_api_and_sx(parts, of_executions, reason):
    status = of_executions[reason]
    shown = section(parts[0], reason.value)
    assert EXECUTIONS[reason].split()[0] in shown
    assert status.message
    if status.phase and status.phase.value == "Failed":
        assert shown.count(status.message) >= 5, "column, condition, problem, and two lines of sx"
    assert f"{status.phase.value}: {status.message}" in shown


@pytest.mark.parametrize("reason", BuildReason)
def test_each_reason_of_a_build_is_shown_by_kubectl_the_api_and_sx(parts, of_builds, reason):
    _, status = of_builds[reason]
    shown = section(parts[1], reason.value)
    assert BUILDS[reason].split()[0] in shown
    one = status.find("r1")
    assert one.message in shown
    if one.phase.value == "Failed":
        assert f"sx: r1 failed: {one.message}" in shown
        assert "[exit status 3]" in shown
