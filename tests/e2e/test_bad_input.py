"""Every row of `docs/bad-input.md`: refused where, with which reason and sentence, and within which time."""

import pytest

from serviceexecution.kube.kinds import JOBS, SERVICE_EXECUTIONS
from tests.support.bad_input.case import BadInput, RefusedBy
from tests.support.bad_input.cluster import CLUSTER_CASES
from tests.support.bad_input.page import PAGE, page
from tests.support.bad_input.refused import REFUSED_CASES
from tests.support.bad_input.spec import SPEC_CASES
from tests.support.cluster import ApiError, Cluster, member
from tests.support.sandbox import Sandbox, phase_and_reason

LIMIT = 45
"""Seconds until the end: `startTimeout` of these cases is 12 s at most, the rest is a busy machine."""


def name_of_case(case: BadInput) -> str:
    return case.name


@pytest.mark.parametrize("case", REFUSED_CASES, ids=name_of_case)
def test_refused_by_the_api_server(sandbox: Sandbox, cluster: Cluster, case: BadInput) -> None:
    def attempt() -> None:
        sandbox.create(case.spec)
        if case.change is not None:
            cluster.patch(SERVICE_EXECUTIONS, sandbox.name, "run", case.change)

    with pytest.raises(ApiError) as caught:
        attempt()
    assert caught.value.status in {403, 422}
    assert case.sentence in caught.value.message
    policy = "ValidatingAdmissionPolicy" in caught.value.message
    assert policy == (case.by is RefusedBy.POLICY)
    if case.change is None:
        assert cluster.select(SERVICE_EXECUTIONS, sandbox.name) == []


@pytest.mark.parametrize("case", SPEC_CASES, ids=name_of_case)
def test_refused_by_the_operator(sandbox: Sandbox, cluster: Cluster, case: BadInput) -> None:
    fails_as_said(sandbox, case)
    assert cluster.select(JOBS, sandbox.name) == []


@pytest.mark.parametrize("case", CLUSTER_CASES, ids=name_of_case)
def test_found_by_the_cluster(sandbox: Sandbox, case: BadInput) -> None:
    fails_as_said(sandbox, case)


def test_the_page_of_bad_input_is_what_was_tried() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m tests.support.bad_input.page"


def fails_as_said(sandbox: Sandbox, case: BadInput) -> None:
    case.prepare(sandbox)
    final = sandbox.run(case.spec, seconds=LIMIT)
    message = str(member(final, "status", "message"))
    assert phase_and_reason(final) == ("Failed", case.reason), message
    assert case.matches(message), f"\nsaid:   {message}\ntable:  {case.sentence}"
    sandbox.wait_for_no_children(final)
