"""M11: an id of the API is one execution's, whatever others are named.

Fails on 9b98b50: an execution that was named like another's uid took over its status, result and log; after its end the
true one was 404. UUIDs in upper case were 404.
"""

import pytest

from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import Service

VICTIM = "5c0f8a6e-0000-4000-8000-000000000001"
THIEF = "6c0f8a6e-0000-4000-8000-000000000002"


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path)
    service.state._current.add((SERVICE_EXECUTIONS, None))
    return service


def made_by_kubectl(service: Service, name: str, uid: str, *, noted: bool = True, of: str = SERVICE) -> None:
    spec = {"serviceRef": {"name": of}, "tags": [name]}
    body = service.cluster.seed(SERVICE_EXECUTIONS, NAMESPACE, name, metadata={"uid": uid}, spec=spec)
    if noted:
        service.state.note(body)


async def tags(service: Service, api_id: str) -> list[str] | None:
    answer = await service.get(f"/{api_id}")
    found: list[str] | None = answer.json().get("tags") if answer.status_code == 200 else None
    return found


async def test_a_name_takes_over_no_uid(service):
    made_by_kubectl(service, "my-run", VICTIM)
    made_by_kubectl(service, VICTIM, THIEF)
    assert await tags(service, VICTIM) == ["my-run"]
    assert await tags(service, THIEF) == [VICTIM]
    listed = {one["id"]: one["tags"] for one in (await service.get()).json()}
    assert listed == {VICTIM: ["my-run"], THIEF: [VICTIM]}


async def test_the_true_one_is_found_after_the_other_is_gone(service):
    made_by_kubectl(service, "my-run", VICTIM)
    made_by_kubectl(service, VICTIM, THIEF)
    service.state._executions.drop(NAMESPACE, VICTIM, THIEF)
    assert await tags(service, VICTIM) == ["my-run"]
    assert await tags(service, THIEF) is None


async def test_neither_does_one_that_is_only_found_by_asking(service):
    made_by_kubectl(service, "my-run", VICTIM)
    made_by_kubectl(service, VICTIM, THIEF, noted=False)
    assert await tags(service, VICTIM) == ["my-run"]


async def test_links_lead_to_the_execution_that_they_were_asked_for(service):
    made_by_kubectl(service, "my-run", VICTIM)
    made_by_kubectl(service, VICTIM, THIEF)
    service.state.note(service.cluster.finish(VICTIM, "Succeeded"))
    document = (await service.get(f"/{THIEF}/result")).json()
    assert document["_links"]["status"]["href"].endswith(f"/{THIEF}")
    assert document["_embedded"]["status"]["id"] == THIEF


async def test_an_id_of_another_service_is_none_of_this(service):
    service.cluster.define("other")
    made_by_kubectl(service, "my-run", VICTIM, of="other")
    made_by_kubectl(service, VICTIM, THIEF)
    assert await tags(service, VICTIM) is None


async def test_uuids_are_read_in_either_case(service):
    name = await service.started()
    answer = await service.get(f"/{name.upper()}")
    assert answer.status_code == 200
    assert answer.json()["id"] == name
    made_by_kubectl(service, "my-run", VICTIM)
    assert await tags(service, VICTIM.upper()) == ["my-run"]


@pytest.mark.parametrize("api_id", ["MY-RUN", "my-run", VICTIM.upper() + "x", VICTIM.replace("-", "")])
async def test_what_is_no_uuid_is_no_id(service, api_id):
    made_by_kubectl(service, "my-run", VICTIM)
    assert await tags(service, api_id) is None
