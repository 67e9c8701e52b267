"""Somebody reads or writes data pools that no execution of theirs has recorded, with a collector's token."""

import asyncio
import hashlib
import json
import uuid

import pytest

from serviceexecution.gateway.data_pools.limits import PoolLimits
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.pools.keys import PoolReference
from tests.processes.stage_in.staged import fill
from tests.unit.gateway.collect.collector_cluster import REF
from tests.unit.gateway.collect.collector_harness import code_of
from tests.unit.gateway.conftest import Gateway

OTHER = ExecutionReference(REF.namespace, "other", "5c0f8a6e-0000-4000-8000-00000000000b")
OWN = {"Authorization": "Bearer collector-token"}
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


def ended(gateway, *pods):
    for pod in pods:
        asyncio.run(gateway.kubernetes.set_main("terminated", pod=pod))


def put(gateway, headers=MALLORY, name="a", content=b"changed"):
    return gateway.http.put(f"/collect/v1/pools/numbers/files/{name}", content=content, headers=headers)


def put_together(gateway, *lines, headers=MALLORY):
    text = "\n".join([*map(json.dumps, lines), str(len(lines))])
    return gateway.http.post("/collect/v1/pools/numbers/state", content=text, headers=headers)


def commit(gateway, index, headers=MALLORY):
    body = {"files": [], "skipped": [], "dataPools": [{"property": "numbers", "index": index}]}
    return gateway.http.post("/collect/v1/commit", json=body, headers=headers)


@pytest.mark.parametrize(
    ("members", "code"), [({}, (403, "DataPoolReadOnly")), ({"property": "x"}, (404, "NoSuchDataPool"))]
)
def test_a_token_writes_only_what_its_own_execution_has_opened(gateway, members, code):
    ended(gateway, "other")

    async def run():
        await use(gateway, OTHER, **members)
        return [await put(gateway), await put_together(gateway, ["a"])]

    assert [code_of(one) for one in asyncio.run(run())] == [code] * 2


def test_nothing_is_taken_before_the_program_has_ended(gateway):
    async def run():
        await use(gateway, OTHER, writable=True)
        return [await put(gateway), await put_together(gateway, ["a"])]

    assert [code_of(one) for one in asyncio.run(run())] == [(503, "MainNotEnded")] * 2


def test_content_of_another_run_makes_no_state(gateway):
    """Mallory guesses digest and size of what somebody else's run has brought."""
    ended(gateway, "pod-1", "other")
    digest = hashlib.sha256(b"changed").hexdigest()

    async def run():
        await use(gateway, REF, writable=True)
        await use(gateway, OTHER, writable=True)
        brought = await put(gateway, headers=OWN)
        return brought, await put_together(gateway, ["a", 7, digest])

    brought, together = asyncio.run(run())
    assert brought.json() == {"size": 7, "sha256": digest}
    assert code_of(together) == (409, "FileMismatch")


def test_a_state_of_another_run_does_not_become_the_pools(gateway):
    ended(gateway, "pod-1", "other")
    digest = hashlib.sha256(b"changed").hexdigest()

    async def run():
        await use(gateway, REF, writable=True)
        await use(gateway, OTHER, writable=True)
        await put(gateway, headers=OWN)
        index = (await put_together(gateway, ["a", 7, digest], headers=OWN)).json()["index"]
        committed = await commit(gateway, index)
        assert committed.status_code == 200, committed.text
        return await gateway.store.outputs.read_manifest(OTHER)

    manifest = asyncio.run(run())
    assert [(one.reason, one.index) for one in manifest.data_pools] == [("NotKept", None)]


def test_what_is_brought_again_and_again_has_its_bound(gateway, monkeypatch):
    ended(gateway, "other")
    monkeypatch.setattr(PoolLimits, "of", lambda _: PoolLimits(100, 20, 4, 1000))
    gateway.restart()

    async def run():
        await use(gateway, OTHER, writable=True)
        return [await put(gateway, content=b"%07d" % number) for number in range(8)]

    codes = [one.status_code for one in asyncio.run(run())]
    assert codes == [200] * 5 + [413] * 3
