"""Somebody holds many requests for one execution, and changes it many times a second."""

import asyncio

import pytest

from serviceexecution.gateway.state.changes import Change
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.waiting import waits
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import ALICE, Service

HELD = 50


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.001)


@pytest.fixture
async def service(tmp_path):
    found = Service(tmp_path, wait_seconds=30)
    watching = asyncio.create_task(found.state.run())
    await until(lambda: found.state.ready)
    yield found
    found.draining.set()
    watching.cancel()
    await found.schemas.close()


async def test_a_change_costs_little_for_each_request_that_waits(service, monkeypatch):
    """Each computed the digest of the same status for itself: two thousand of them, at each change, in one step."""
    name = await service.started()
    headers = {**ALICE, "Prefer": "wait=30"}
    held = [
        asyncio.create_task(service.http.get(f"{service.base}/{name}", headers=headers)) for _ in range(HELD)
    ]
    listening = service.state.changes._of_execution
    await until(lambda: sum(map(len, listening.values())) == HELD)
    computed: list[KnownExecution] = []
    told: list[Change] = []
    tag = waits.status_tag

    def computing(execution: KnownExecution) -> str:
        computed.append(execution)
        return tag(execution)

    monkeypatch.setattr(waits, "status_tag", computing)
    (uid,) = listening
    with service.state.changes.of_execution(uid, told.append):
        note = {"metadata": {"annotations": {"example.com/note": "1"}}}
        await service.cluster.patch(SERVICE_EXECUTIONS, NAMESPACE, name, note)
        await until(lambda: told)
    assert len(listening[uid]) == HELD
    assert len(computed) <= 2
    status = {"status": {"phase": "Succeeded"}}
    await service.cluster.patch(SERVICE_EXECUTIONS, NAMESPACE, name, status, subresource="status")
    assert {answer.json()["status"] for answer in await asyncio.gather(*held)} == {"SUCCEEDED"}
