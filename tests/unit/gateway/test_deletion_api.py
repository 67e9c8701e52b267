"""Executions that have ended are deleted through the gateway."""

import pytest

from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import Service, is_problem

RIGHT = ("delete", "results")


@pytest.fixture
async def service(tmp_path):
    found = Service(tmp_path)
    found.cluster.define()
    for phase in ("Succeeded", "Running"):
        seed(found, phase.lower(), phase)
    seed(found, "image", "Succeeded", spec={"runtime": {"docker": {"image": "busybox"}}})
    yield found
    await found.schemas.close()


def seed(service, name, phase, spec=None):
    parts = {"spec": spec or {"serviceRef": {"name": SERVICE}}, "status": {"phase": phase}}
    service.cluster.seed(SERVICE_EXECUTIONS, NAMESPACE, name, **parts)


async def delete(service, name, **more):
    return await service.http.delete(f"/api/v1/namespaces/{NAMESPACE}/executions/{name}", **more)


def left(service):
    return set(service.cluster.of(SERVICE_EXECUTIONS))


async def test_one_that_has_ended_is_gone_and_no_other(service):
    answer = await delete(service, "succeeded")
    assert (answer.status_code, answer.content) == (204, b"")
    assert left(service) == {"running", "image"}
    assert is_problem(await delete(service, "succeeded"), 404, "ExecutionNotFound")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("running", 409, "NotEnded"),
        ("image", 403, "NotAService"),
        ("nothing", 404, "ExecutionNotFound"),
        ("%2e%2e", 404, "ExecutionNotFound"),
        ("A", 404, "ExecutionNotFound"),
    ],
)
async def test_what_stays_says_why(service, name, status, code):
    assert is_problem(await delete(service, name), status, code)
    assert left(service) == {"succeeded", "running", "image"}


async def test_it_needs_a_right_of_its_own_and_no_other(service):
    service.cluster.allowed = lambda question: (question["verb"], question["subresource"]) != RIGHT
    assert is_problem(await delete(service, "succeeded"), 403, "Forbidden")
    assert is_problem(await delete(service, "nothing"), 403, "Forbidden")
    assert "succeeded" in left(service)


async def test_no_other_right_is_needed(service):
    service.cluster.allowed = lambda question: (question["verb"], question["subresource"]) == RIGHT
    assert (await delete(service, "succeeded")).status_code == 204


async def test_another_one_that_has_the_name_by_now_stays(service, monkeypatch):
    get = service.cluster.get

    async def replaced(kind, namespace, name):
        found = await get(kind, namespace, name)
        del service.cluster.objects[kind.plural, namespace, name]
        seed(service, name, "Succeeded")
        return found

    monkeypatch.setattr(service.cluster, "get", replaced)
    assert (await delete(service, "succeeded")).status_code == 204
    assert "succeeded" in left(service)


@pytest.mark.parametrize("who", ["RBAC", "the fence"])
async def test_a_gateway_that_may_not_delete_names_the_command(service, monkeypatch, who):
    async def refuse(*_, **__):
        said = {
            "RBAC": 'serviceexecutions is forbidden: User "g" cannot delete resource "serviceexecutions"',
            "the fence": "ValidatingAdmissionPolicy 'x' denied request: The gateway may delete only …",
        }
        raise KubernetesError(said[who], status=403)

    monkeypatch.setattr(service.cluster, "delete", refuse)
    answer = await delete(service, "succeeded")
    assert is_problem(answer, 403, "NotSupported")
    assert "sx delete succeeded" in answer.json()["detail"]
