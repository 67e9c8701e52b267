"""Which data pool an id names, and how it comes into the pod."""

import time

import pytest

from serviceexecution.contract.input.data_pools import DataPoolReference
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.pools.resolve import (
    KnownPools,
    MountedPool,
    PlannedPools,
    resolve,
)
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.resources.names import LABEL_DATA_POOL_ID
from serviceexecution.resources.pods.observed import ClaimView
from serviceexecution.resources.pools.pool import Pool
from tests.unit.executions.builders import spec

META = {"namespace": "team", "creationTimestamp": "2026-03-01T12:00:00Z"}
ASKED = {"numbers": DataPoolReference("numbers", "u-numbers")}


def claim(name, label):
    metadata = {**META, "name": name, "uid": f"uid-{name}", "labels": {LABEL_DATA_POOL_ID: label}}
    return ClaimView.model_validate({"metadata": metadata})


def pool(name, *, label=None, uid=None, storage=None, **status):
    labels = {} if label is None else {LABEL_DATA_POOL_ID: label}
    metadata = {**META, "name": name, "uid": uid or f"u-{name}", "labels": labels}
    return Pool.model_validate({"metadata": metadata, "spec": {"storage": storage or {}}, "status": status})


def resolved(references=ASKED, *, known, limit=1000, **members):
    return resolve(spec(**members), references, known, stage_limit=limit)


def good(**arguments) -> PlannedPools:
    found = resolved(**arguments)
    assert isinstance(found, PlannedPools), found
    return found


def bad(**arguments) -> PlanProblem:
    found = resolved(**arguments)
    assert isinstance(found, PlanProblem)
    return found


STORED = pool("numbers", index="ab", files=2, bytes=30)
USED = UsedPool(property="numbers", name="numbers", uid="u-numbers", index="ab", files=2, bytes=30)


def test_a_uid_names_a_pool_of_the_store_as_it_is_now():
    assert good(known=KnownPools(pools=(pool("other"), STORED))).staged == (USED,)


def test_a_label_names_a_pool():
    known = KnownPools(pools=(pool("x", label="u-numbers"),))
    assert [one.name for one in good(known=known).staged] == ["x"]


def test_a_pool_on_a_volume_is_mounted():
    stored = pool("numbers", storage={"type": "Claim", "claim": {"existing": "c"}}, claim="c")
    found = good(known=KnownPools(pools=(stored,)))
    assert found == PlannedPools((MountedPool("numbers", "c", None, read_only=True),))


def test_a_pool_without_its_claim_is_waited_for():
    stored = pool("numbers", storage={"type": "Claim", "claim": {"size": "1Gi"}})
    problem = bad(known=KnownPools(pools=(stored,)))
    assert (problem.reason, problem.waiting) == (Reason.DATA_POOL_UNAVAILABLE, True)
    assert '"numbers"' in problem.detail


@pytest.mark.parametrize(
    "known",
    [
        KnownPools((claim("c", "u-numbers"),), (STORED,)),
        KnownPools((), (STORED, pool("x", label="u-numbers"))),
    ],
)
def test_an_id_of_two_is_no_id(known):
    problem = bad(known=known)
    assert problem.reason is Reason.DATA_POOL_AMBIGUOUS
    assert "DataPool numbers" in problem.detail
    assert not problem.waiting


def test_what_the_execution_has_recorded_counts_whatever_is_there_now():
    now = pool("numbers", index="cd", files=9, bytes=900)
    assert good(known=KnownPools(pools=(now,), used=(USED,))).staged == (USED,)
    assert good(known=KnownPools(used=(USED,))).staged == (USED,)


def test_the_spec_names_a_pool():
    pools = {"data": {"dataPoolRef": {"name": "numbers"}}}
    found = good(references={}, known=KnownPools(pools=(STORED,)), dataPools=pools)
    assert found.staged == (USED.model_copy(update={"property": "data"}),)


def test_a_pool_may_be_opened_for_writing():
    pools = {"data": {"dataPoolRef": {"name": "numbers"}, "readOnly": False}}
    found = good(references={}, known=KnownPools(pools=(STORED,)), dataPools=pools)
    assert found.staged == (USED.model_copy(update={"property": "data", "writable": True}),)
    stored = pool("numbers", storage={"type": "Claim", "claim": {"existing": "c"}}, claim="c")
    found = good(references={}, known=KnownPools(pools=(stored,)), dataPools=pools)
    assert found.mounted == (MountedPool("data", "c", None, read_only=False),)


def test_a_run_is_not_its_own_other_writer():
    opened: JsonObject = {"dataPoolRef": {"name": "numbers"}, "readOnly": False}
    read: JsonObject = {"dataPoolRef": {"name": "numbers"}}
    known = KnownPools(pools=(STORED,))
    problem = bad(references={}, known=known, dataPools={"a": opened, "b": opened})
    assert problem.reason is Reason.INVALID_SPEC
    assert '"a" and "b" open the DataPool "numbers" for writing' in problem.detail
    found = good(references={}, known=known, dataPools={"a": opened, "b": read})
    assert [one.writable for one in found.staged] == [True, None]


def test_a_pool_that_the_spec_names_may_still_come():
    pools = {"data": {"dataPoolRef": {"name": "numbers"}}}
    problem = bad(references={}, known=KnownPools(), dataPools=pools)
    assert (problem.reason, problem.waiting) == (Reason.DATA_POOL_NOT_FOUND, True)
    assert 'Create the DataPool "numbers"' in problem.detail


def test_more_than_the_limit_is_refused_at_once():
    problem = bad(known=KnownPools(pools=(STORED,)), limit=29)
    assert problem.reason is Reason.DATA_POOL_TOO_LARGE
    assert "30 bytes" in problem.detail
    assert "29" in problem.detail
    assert not problem.waiting
    assert good(known=KnownPools(pools=(STORED,)), limit=30).staged_bytes == 30


def test_more_pools_than_a_status_can_record_are_refused_at_once():
    """The API server would refuse the status again and again."""

    def asked(count):
        return {f"p{number}": DataPoolReference(f"p{number}", "u-numbers") for number in range(count)}

    known = KnownPools(pools=(STORED,))
    assert len(good(references=asked(128), known=known, limit=10**6).staged) == 128
    problem = bad(references=asked(129), known=known, limit=10**6)
    assert (problem.reason, problem.waiting) == (Reason.INVALID_INPUT, False)
    assert "129 properties stand for DataPools of the results store, the most is 128" in problem.detail


def test_many_ids_among_thousands_of_pools_are_found_in_a_moment():
    known = KnownPools(
        claims=tuple(claim(f"c{number}", f"of-claim-{number}") for number in range(2000)),
        pools=tuple(pool(f"p{number}") for number in range(3000)),
    )
    asked = [*(f"of-claim-{number}" for number in range(50)), *(f"u-p{number}" for number in range(50))]
    references = {identifier: DataPoolReference(identifier, identifier) for identifier in asked}
    begun = time.monotonic()
    found = good(references=references, known=known)
    assert time.monotonic() - begun < 1
    assert found.properties == (*sorted(asked[:50]), *sorted(asked[50:]))
