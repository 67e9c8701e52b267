"""A gateway that starts while the store is away: what needs no store goes on, and all else says when to come back."""

import pytest

from serviceexecution.store.errors import StoreError
from serviceexecution.store.storage.objects import Objects
from tests.unit.gateway.service_api.service_harness import Service, is_problem, service

__all__ = ["service"]


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_, **__):
        raise StoreError("the store does not answer")

    async def fail_in_batches(*_, **__):
        raise StoreError("the store does not answer")
        yield  # type: ignore[unreachable]

    for name in ("put", "put_stream", "get", "stream", "stat", "names", "list_prefixes", "delete"):
        monkeypatch.setattr(Objects, name, fail)
    monkeypatch.setattr(Objects, "list_batches", fail_in_batches)


@pytest.mark.usefixtures("away")
async def test_submits_states_lists_and_cancels_need_no_store(service: Service) -> None:
    name = await service.started()
    assert (await service.get(f"/{name}")).json()["status"] == "PENDING"
    assert (await service.get()).status_code == 200
    assert (await service.http.put(f"{service.base}/{name}/cancel")).status_code == 200
    assert service.executions()[name]["spec"]["cancel"] is True
    ended = service.finish(await service.started(), "Failed")
    assert (await service.get(f"/{ended.name}")).json()["status"] == "FAILED"


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("path", ["result", "log"])
async def test_results_and_logs_say_when_to_come_back(service: Service, path: str) -> None:
    ended = service.finish(await service.started(), "Succeeded")
    answer = await service.get(f"/{ended.name}/{path}")
    assert is_problem(answer, 503, "StoreUnavailable")
    assert int(answer.headers["Retry-After"]) > 0
