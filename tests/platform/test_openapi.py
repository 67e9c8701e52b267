"""schemathesis against the OpenAPI text of the platform's API, with authentication on."""

from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

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
}


@dataclass(frozen=True)
class Known:
    """Ids of what there is, by the first part of the paths."""

    execution: str
    job: str
    service: str


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
        return Known(execution, made.json()["id"], str(uid))

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
    case.call_and_validate(headers=TOKEN, checks=CHECKS)


@api.parametrize()
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_is_answered_without_a_token(case: schemathesis.Case[Any]) -> None:
    answer = case.call(headers={"X-Auth-Token": "nobody"})
    assert answer.status_code in {204, 400, 401, 405, 429}, answer.text
    if answer.status_code == 204:
        assert case.method.upper() == "OPTIONS"


def test_every_route_is_in_the_text(gateway: ServedGateway) -> None:
    served = {
        path.removeprefix("/platform/{namespace}")
        for path in (getattr(route, "path", "") for route in gateway.service.app.routes)
        if path.startswith("/platform/")
    }
    told = set(platform_openapi("")["paths"])  # type: ignore[arg-type] # a JSON object
    names = {"{api_id}": "{id}", "{service_id}": "{id}", "{key_id}": "{id}", "{path:anything}": "{file}"}
    for ours, theirs in names.items():
        served = {path.replace(ours, theirs) for path in served}
    assert served - told == {"", "/{file}", "/openapi.json", "/my/provider-tokens"}
    assert told - served == set()
