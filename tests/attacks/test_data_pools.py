"""Somebody reads data pools that no execution of theirs has recorded, with a collector's token."""

import asyncio
import uuid

import pytest

from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.pools.keys import PoolReference
from tests.processes.stage_in.staged import fill
from tests.unit.gateway.collect.collector_cluster import REF
from tests.unit.gateway.collect.collector_harness import code_of
from tests.unit.gateway.conftest import Gateway

OTHER = ExecutionReference(REF.namespace, "other", "5c0f8a6e-0000-4000-8000-00000000000b")
MALLORY = {"Authorization": "Bearer mallory"}
POOL = PoolReference(REF.namespace, str(uuid.uuid4()))
BYTES = {"Range": "bytes=0-5"}


@pytest.fixture
def gateway(tmp_path):
    """One execution whose status names a pool, and Mallory's beside it, which names none."""
    found = Gateway(tmp_path)
    found.kubernetes.add_execution()
    found.kubernetes.add_execution(OTHER, pod="other", token="mallory")  # noqa: S106
    return found


async def use(gateway, reference=REF, **members):
    """Fill the pool, and let the execution's status name its state."""
    index = await fill(gateway.store.pools, POOL, {"a": b"secret"})
    used = {"property": "numbers", "name": "numbers", "uid": POOL.uid, "index": index.digest, **members}
    gateway.kubernetes.change(
        SERVICE_EXECUTIONS, reference.namespace, reference.name, {"status": {"dataPools": [used]}}
    )


def ask(gateway, what="content", name="numbers", headers=MALLORY):
    return gateway.http.get(f"/collect/v1/pools/{name}/{what}", headers={**headers, **BYTES})


def test_a_token_reads_only_what_its_own_execution_has_recorded(gateway):
    async def run():
        await use(gateway)
        own = await ask(gateway, headers={"Authorization": "Bearer collector-token"})
        return own, [await ask(gateway, what) for what in ("content", "index")]

    own, others = asyncio.run(run())
    assert (own.status_code, own.content) == (206, b"secret")
    assert [code_of(one) for one in others] == [(404, "NoSuchDataPool")] * 2


def test_a_spec_or_an_annotation_that_names_a_pool_records_none(gateway):
    async def run():
        await use(gateway)
        change = {
            "metadata": {"annotations": {"serviceexecution.dev/data-pools": '["numbers"]'}},
            "spec": {"dataPools": {"numbers": {"dataPoolRef": {"name": "numbers"}}}},
        }
        gateway.kubernetes.change(SERVICE_EXECUTIONS, OTHER.namespace, OTHER.name, change)
        return await ask(gateway)

    assert code_of(asyncio.run(run())) == (404, "NoSuchDataPool")


@pytest.mark.parametrize(
    "wanted", ["", "bytes=6-", "bytes=-0", "bytes=0-1,2-3", "lines=0-1", "bytes=99999999999999999999-"]
)
def test_no_range_but_one_of_the_pools_own_bytes_is_answered(gateway, wanted):
    async def run():
        await use(gateway)
        headers = {"Authorization": "Bearer collector-token", "Range": wanted}
        return await gateway.http.get("/collect/v1/pools/numbers/content", headers=headers)

    assert code_of(asyncio.run(run())) == (416, "RangeNotSatisfiable")


def test_without_a_token_there_is_nothing(gateway):
    async def run():
        await use(gateway)
        return await ask(gateway, headers={})

    assert asyncio.run(run()).status_code == 401
