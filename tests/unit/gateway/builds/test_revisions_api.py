"""Revisions of a service, which of them serves, and its settings."""

import pytest
import yaml

from serviceexecution.gateway.builds import revision_routes
from serviceexecution.kube.errors import KubernetesError
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import Service, is_problem

BASE = f"/api/v1/namespaces/{NAMESPACE}/services/{SERVICE}"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def stored(service):
    return service.cluster.objects["servicedefinitions", NAMESPACE, SERVICE]


@pytest.fixture
async def built(tmp_path):
    found = Service(tmp_path)
    definition = found.cluster.define(
        runtime={"python": {}}, env=[{"name": "TEXT", "value": "ü: <b>\n# no comment"}]
    )
    definition["metadata"] |= {"labels": {"team": "a"}, "annotations": {LAST_APPLIED: "{}", "mine": "1"}}
    definition["status"] = {
        "phase": "Ready",
        "revision": "r2",
        "revisions": [
            {"name": "r3", "key": "c", "phase": "Failed", "reason": "BuildFailed", "message": "No main."},
            {"name": "r2", "key": "b", "phase": "Succeeded", "commit": "abc", "inputSchema": {"a": 1}},
            {"name": "r1", "key": "a", "phase": "Succeeded"},
        ],
    }
    yield found
    await found.schemas.close()


async def test_revisions_say_how_they_went_and_which_one_serves(built):
    found = (await built.http.get(f"{BASE}/builds")).json()
    assert (found["serving"], found["pinned"]) == ("r2", None)
    assert found["revisions"] == [
        {"name": "r3", "phase": "Failed", "reason": "BuildFailed", "message": "No main."},
        {"name": "r2", "phase": "Succeeded", "commit": "abc"},
        {"name": "r1", "phase": "Succeeded"},
    ]


async def test_a_revision_serves_when_it_is_named_and_the_newest_when_none_is(built):
    answer = await built.http.put(f"{BASE}/revision", json={"revision": "r1"})
    assert answer.status_code == 204, answer.text
    assert stored(built)["spec"]["revision"] == "r1"
    assert (await built.http.get(f"{BASE}/builds")).json()["pinned"] == "r1"
    assert (await built.http.put(f"{BASE}/revision", json={"revision": None})).status_code == 204
    assert "revision" not in stored(built)["spec"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"revision": "r9"}, 404, "RevisionNotFound"),
        ({"revision": "r3"}, 409, "RevisionNotBuilt"),
        ({"revision": 1}, 400, "BadRequest"),
        ({}, 400, "BadRequest"),
        ([], 400, "BadRequest"),
        ({"revision": "r" * 2000}, 413, "BodyTooLarge"),
    ],
)
async def test_what_cannot_serve_is_refused(built, body, status, code):
    assert is_problem(await built.http.put(f"{BASE}/revision", json=body), status, code)
    assert "revision" not in stored(built)["spec"]


async def test_settings_can_be_applied_again(built):
    answer = await built.http.get(f"{BASE}/settings")
    found = yaml.safe_load(answer.text)
    assert found["metadata"] == {
        "name": SERVICE,
        "namespace": NAMESPACE,
        "labels": {"team": "a"},
        "annotations": {"mine": "1"},
    }
    assert found["spec"] == stored(built)["spec"]
    assert "status" not in found


RIGHTS = pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("GET", "builds", ("get", "log")),
        ("GET", "settings", ("patch", "")),
        ("PUT", "revision", ("patch", "")),
    ],
)


@RIGHTS
async def test_each_call_needs_its_right(built, method, path, right):
    built.cluster.allowed = lambda question: (question["verb"], question["subresource"]) != right
    answer = await built.http.request(method, f"{BASE}/{path}", json={"revision": "r1"})
    assert is_problem(answer, 403, "Forbidden")
    assert "revision" not in stored(built)["spec"]


@RIGHTS
async def test_no_call_needs_another_right(built, method, path, right):
    built.cluster.allowed = lambda question: (question["verb"], question["subresource"]) == right
    answer = await built.http.request(method, f"{BASE}/{path}", json={"revision": "r1"})
    assert answer.status_code in {200, 204}, answer.text


async def test_a_gateway_that_may_not_write_names_the_command(built, monkeypatch):
    async def refuse(*_, **__):
        message = 'servicedefinitions is forbidden: User "g" cannot patch resource "servicedefinitions"'
        raise KubernetesError(message, status=403)

    monkeypatch.setattr(built.cluster, "patch", refuse)
    answer = await built.http.put(f"{BASE}/revision", json={"revision": "r1"})
    assert is_problem(answer, 403, "NotSupported")
    assert f"sx rollback {SERVICE}" in answer.json()["detail"]


def deep(levels: int, inside: object) -> object:
    for _ in range(levels):
        inside = {"a": inside}
    return inside


@pytest.mark.parametrize(
    "found",
    [deep(20_000, 1), {"a": "b" * revision_routes.MOST_SETTINGS}, deep(150, [1] * 50_000)],
    ids=["nested", "long", "long when it is indented"],
)
async def test_settings_that_are_too_large_are_said_to_be(built, monkeypatch, found):
    monkeypatch.setattr(revision_routes, "settings_of", lambda _: found)
    assert is_problem(await built.http.get(f"{BASE}/settings"), 413, "TooLarge")
