"""schemathesis against the OpenAPI text of the platform's API, with authentication on."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import structlog
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import BaseRoute

from serviceexecution.gateway.platform_api.description.openapi import platform_openapi
from tests.support.served_gateway import ServedGateway
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import JSON

TOKEN = {"X-Auth-Token": "alice-token"}
CHECKS: Any = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
_PARTS = {
    "service-executions": "execution",
    "service-jobs": "job",
    "services": "service",
    "managed-services": "service",
    "datapools": "pool",
}


@pytest.fixture(autouse=True)
def _logs_go_nowhere() -> Iterator[None]:
    """Each subtest takes standard output away at its end, while the gateway's thread may be writing a line to it."""
    with Path(os.devnull).open("w") as nowhere:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
        yield
        structlog.reset_defaults()


@dataclass(frozen=True)
class Known:
    """Ids of what there is, by the first part of the paths."""

    execution: str
    job: str
    service: str
    pool: str
    file: str


@pytest.fixture
def known(gateway: ServedGateway) -> Known:
    async def fill() -> Known:
        service = gateway.service
        uid = service.cluster.objects["servicedefinitions", NAMESPACE, SERVICE]["metadata"]["uid"]
        execution = await service.started(body=b'{"a": 1}')
        await service.keep(
            service.finish(execution, "Succeeded"), {"output.json": b'{"sum": 1}', "a/b.txt": b"x"}
        )
        made = await service.http.post(
            f"/platform/{NAMESPACE}/service-jobs", json={"serviceId": uid, "storeInput": True}, headers=JSON
        )
        pools = f"/platform/{NAMESPACE}/datapools"
        pool = (await service.http.post(pools, json={"name": "pool"})).json()["id"]
        file = await service.http.post(f"{pools}/{pool}/files", files={"file": ("a.csv", b"1,2")})
        return Known(execution, made.json()["id"], str(uid), pool, file.json()["id"])

    return gateway.run(fill())


@pytest.fixture
def text(gateway: ServedGateway) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{gateway.base}/openapi.json", headers=TOKEN)


api = schemathesis.pytest.from_fixture("text")


@api.parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_fit_the_text(case: schemathesis.Case[Any], known: Known) -> None:
    part = _PARTS.get(case.path.split("/")[1])
    if part is not None and "id" in case.path_parameters and len(str(case.path_parameters["id"])) % 2:
        case.path_parameters["id"] = getattr(known, part)  # Else hardly any example meets what exists
        if part == "pool" and "file" in case.path_parameters:
            case.path_parameters["file"] = known.file
    case.call_and_validate(headers=TOKEN, checks=CHECKS)


@api.parametrize()
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_is_answered_without_a_token(case: schemathesis.Case[Any]) -> None:
    answer = case.call(headers={"X-Auth-Token": "nobody"})
    assert answer.status_code in {204, 400, 401, 405, 429}, answer.text
    if answer.status_code == 204:
        assert case.method.upper() == "OPTIONS"


def paths(routes: Iterable[BaseRoute]) -> Iterator[str]:
    """Give the paths of routes, also of those in routers that were included."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is None:
            yield str(getattr(route, "path", ""))
        else:
            yield from paths(router.routes)


def test_every_route_is_in_the_text(gateway: ServedGateway) -> None:
    served = {
        path.removeprefix("/platform/{namespace}")
        for path in paths(gateway.service.app.routes)
        if path.startswith("/platform/")
    }
    told = set(platform_openapi("")["paths"])  # type: ignore[arg-type] # a JSON object
    names = {
        "{api_id}": "{id}",
        "{service_id}": "{id}",
        "{key_id}": "{id}",
        "{subscription_id}": "{id}",
        "{path:anything}": "{file}",
    }
    names |= {"{pool_id}": "{id}", "{file_id}": "{file}"}
    for ours, theirs in names.items():
        served = {path.replace(ours, theirs) for path in served}
    streams = {f"{of}/events" for of in ("/service-executions", "/service-executions/{id}", "/services/{id}")}
    assert served - told == {"", "/{file}", "/openapi.json", "/my/provider-tokens", *streams}
    assert told - served == set()
