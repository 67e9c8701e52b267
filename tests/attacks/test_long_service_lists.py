"""Somebody has thousands of services, and asks for the list of them: each time the event loop was held for it."""

import threading

import pytest

from serviceexecution.gateway.platform_api.services import routes
from serviceexecution.gateway.platform_api.services.documents import overview
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service


@pytest.mark.parametrize(("services", "beside"), [(5, False), (6, True)])
async def test_a_long_list_is_made_beside_the_event_loop(tmp_path, monkeypatch, services, beside):
    made_in: list[threading.Thread] = []

    def made(known):
        made_in.append(threading.current_thread())
        return overview(known)

    monkeypatch.setattr(routes, "overview", made)
    monkeypatch.setattr(routes, "_FEW", 5)
    service = Service(tmp_path)
    for number in range(services - 1):
        service.cluster.define(f"s{number}")
    for name in service.cluster.of(SERVICE_DEFINITIONS):
        await service.state.definition(NAMESPACE, name)
    answer = await service.http.get(f"/platform/{NAMESPACE}/services")
    assert len(answer.json()) == services
    assert {thread is not threading.main_thread() for thread in made_in} == {beside}
    await service.schemas.close()
