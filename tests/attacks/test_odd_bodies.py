"""Bodies of the platform's API in which each member has been replaced by something odd: none is an error of ours.

Fails on 3daed27, where a runtime that was a list was a 500.
"""

import json
from collections.abc import Iterator

import pytest

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import JSON, Service, service

__all__ = ["service"]

BASE = f"/platform/{NAMESPACE}"
SIMPLE: list[JsonValue] = [None, True, 0, -1, 1e400, float("nan"), 10**400, "", "x" * 300, "\0", "\ud800"]
FURTHER: list[JsonValue] = ["\n", "../..", "-x", "a b", "é" * 70, [], {}, [[]], [{}], [None], {"a": {}}]
ODD: list[JsonValue] = [*SIMPLE, *FURTHER, {"type": []}, {"type": {}}, [{"type": []}]]
NAMED: JsonObject = {"name": "abc", "shortDescription": "a", "description": "b", "tags": ["a"]}
MANAGED: JsonObject = {
    "name": "n1",
    "summary": "s",
    "description": "d",
    "source": {"type": "registry", "image": "a", "tag": "b", "username": None, "password": None},
    "runtimeConfiguration": {"runtime": "DOCKER", "environment": {"A": "b"}, "applyProviderTokens": False},
    "resourceConfigurations": [{"type": "cpu", "amount": 1, "unit": "m"}],
}
CALLS: tuple[tuple[str, str, JsonValue], ...] = (
    ("POST", "managed-services", MANAGED),
    ("PUT", "managed-services/MANAGED/source", {"type": "repository", "fullPath": "https://a/b"}),
    ("PUT", "managed-services/MANAGED/runtime-configuration", MANAGED["runtimeConfiguration"]),
    (
        "PUT",
        "managed-services/MANAGED/resource-configuration",
        {"type": "cpu", "amount": 1, "unit": "m", "accelerator": "NONE"},
    ),
    ("PUT", "services/SERVICE/summary", {"summary": "x"}),
    ("PUT", "services/SERVICE/description", {"description": "x"}),
    ("PUT", "services/SERVICE/display-name", {"displayName": "x"}),
    ("PUT", "services/SERVICE/links", [{"type": "OTHER", "name": "a", "url": "https://a"}]),
    ("PUT", "services/SERVICE/contacts", [{"type": "LINK", "contact": "https://a", "name": "a"}]),
    ("PUT", "services/SERVICE/publication", {"scope": "INTERNAL"}),
    ("POST", "datapools", NAMED),
    ("PUT", "datapools/POOL", NAMED),
    ("POST", "service-jobs", {"serviceId": "SERVICE", "input": {"a": 1}, "tags": ["a"], "storeInput": True}),
    ("POST", "subscriptions", {"applicationId": "a.b", "serviceId": "SERVICE"}),
)


def odd(value: JsonValue) -> Iterator[JsonValue]:
    """Give a value with one part of it after the other replaced."""
    yield from ODD
    if isinstance(value, dict):
        for name in value:
            yield from ({**value, name: other} for other in odd(value[name]))
        yield from ({**value, "further": other} for other in ODD)
    if isinstance(value, list):
        for at, one in enumerate(value):
            yield from ([*value[:at], other, *value[at + 1 :]] for other in odd(one))


async def made(service: Service, path: str, body: JsonValue) -> str:
    answer = await service.http.post(f"{BASE}/{path}", json=body)
    assert answer.status_code == 201
    found: str = answer.json()["id"]
    return found


@pytest.fixture
async def ids(service: Service) -> dict[str, str]:
    managed: JsonObject = {"name": "new", "source": {"type": "file"}}
    return {
        "SERVICE": service.cluster.of(SERVICE_DEFINITIONS)[SERVICE]["metadata"]["uid"],
        "MANAGED": await made(service, "managed-services", managed),
        "POOL": await made(service, "datapools", {"name": "abc"}),
    }


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=[path for _, path, _ in CALLS])
async def test_no_odd_member_is_an_error_of_ours(service: Service, ids, method, path, body):
    def told(text: str) -> str:
        for name, uid in ids.items():
            text = text.replace(name, uid)
        return text

    seen = set()
    for one in odd(body):
        answer = await service.http.request(
            method, f"{BASE}/{told(path)}", content=told(json.dumps(one)).encode(), headers=JSON
        )
        assert answer.status_code < 500, one
        seen.add(answer.status_code)
    assert seen & {400, 404}, "nothing was refused"
