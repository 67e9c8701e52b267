"""What pods call is not to be reached by who reaches the Service API: each port has its own paths."""

import httpx
import pytest

from tests.unit.gateway.service_api.service_harness import Service

API, PODS = "http://gateway:8080", "http://gateway:8081"
FOR_PODS = (
    "/collect/v1/files/f",
    "/collect/v1/main",
    "/collect/v1/commit",
    "/build/v1/source",
    "/build/v1/report",
)
FOR_OTHERS = (
    "/healthz",
    "/readyz",
    "/docs",
    "/services/team/sum",
    "/api/v1/namespaces/team/executions/a/files",
    "/oauth/token",
)
FORWARDED = {"X-Forwarded-For": "203.0.113.7"}


def gateway(tmp_path, at_api_port):
    return Service(tmp_path, port=8080, pods_port=8081, pods_at_api_port=at_api_port).app


async def answered(app, url, headers=None):
    """Tell whether anything is served there, if only a refusal for want of a token."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        answer = await client.get(url, headers=headers or {})
    return answer.status_code != 404


@pytest.mark.parametrize("at_api_port", ["direct", "never"])
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-Ip"])
async def test_a_proxy_in_front_of_the_service_api_opens_no_door_of_pods(tmp_path, at_api_port, header):
    app = gateway(tmp_path, at_api_port)
    for path in FOR_PODS:
        for way in (path, f"/{path}", path.replace("/c", "/%63", 1), path.replace("/b", "/%62", 1)):
            assert not await answered(app, API + way, {header: "203.0.113.7"}), way
    assert await answered(app, f"{API}/healthz", FORWARDED)


async def test_the_door_of_pods_serves_nothing_else(tmp_path):
    app = gateway(tmp_path, "direct")
    for path in FOR_OTHERS:
        assert not await answered(app, PODS + path), path
    for path in FOR_PODS:
        assert await answered(app, PODS + path, FORWARDED), f"{path}: a mesh may be between"


@pytest.mark.parametrize(("at_api_port", "expected"), [("always", True), ("direct", True), ("never", False)])
async def test_pods_of_earlier_versions_are_served_as_long_as_it_is_said(tmp_path, at_api_port, expected):
    app = gateway(tmp_path, at_api_port)
    for path in FOR_PODS:
        assert await answered(app, API + path) is expected, path
