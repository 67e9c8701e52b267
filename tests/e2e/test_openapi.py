"""schemathesis against a service's OpenAPI text, with authentication on: every answer fits the text, none is a 5xx.

The service's executions wait in a queue that nobody admits, so that hundreds of submitted inputs start no pod.
"""

from dataclasses import dataclass
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND
from tests.support.accounts import bind
from tests.support.cluster import member
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox

CHECKS: Any = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    unsupported_method,
]
INPUT_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "data": {
            "type": "object",
            "properties": {"values": {"type": "array", "items": {"type": "number"}, "maxItems": 20}},
            "required": ["values"],
        },
        "params": {"type": "object", "properties": {"round": {"type": "boolean"}}},
    },
    "required": ["data"],
}


@dataclass(frozen=True)
class Service:
    """A service whose text is tested, and one that may use it."""

    url: str
    token: str
    known: str
    """Id of an execution that exists."""


def _service(sandbox: Sandbox, gateway: Gateway) -> Service:
    runtime: JsonObject = {"docker": {"image": "localhost/test-program:1"}}
    definition: JsonObject = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "metadata": {"name": "conform"},
        "spec": {"runtime": runtime, "queueName": "nobody-admits", "inputSchema": INPUT_SCHEMA},
    }
    sandbox.cluster.create(SERVICE_DEFINITIONS, sandbox.name, definition)
    token = sandbox.token()
    bind(sandbox.cluster, sandbox.name, "viewer", "edit")
    url = f"{gateway.address}/services/{sandbox.name}/conform"
    created = gateway.send("POST", url, token, json={"data": {"values": [1.0]}})
    assert created.status_code == 201, created.text
    known = str(member(cast("JsonObject", created.json()), "id"))
    # ended, so that its log can be followed to its end
    cancelled = gateway.send("PUT", f"{url}/{known}/cancel", token)
    assert cancelled.status_code == 200, cancelled.text
    sandbox.wait_for_end(known)
    return Service(url, token, known)


@pytest.fixture
def service(sandbox: Sandbox, gateway: Gateway) -> Service:
    """Return the service under test."""
    return _service(sandbox, gateway)


@pytest.fixture
def text(service: Service) -> schemathesis.BaseSchema:
    """Return the service's OpenAPI text, as clients get it."""
    return schemathesis.openapi.from_url(
        f"{service.url}/openapi.json", headers={"Authorization": f"Bearer {service.token}"}
    )


api = schemathesis.pytest.from_fixture("text")


@api.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_fit_the_text(case: schemathesis.Case[Any], service: Service) -> None:
    if "id" in case.path_parameters and case.meta is not None and len(str(case.path_parameters["id"])) % 2:
        case.path_parameters["id"] = service.known  # else hardly any example meets an execution that exists
    case.call_and_validate(headers={"Authorization": f"Bearer {service.token}"}, checks=CHECKS)


@api.parametrize()
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_is_answered_without_a_token(case: schemathesis.Case[Any]) -> None:
    answer = case.call(headers={"Authorization": "Bearer nobody"})
    if case.method.upper() == "OPTIONS":
        # Which methods a path has is in the service's public text: RFC 9110, section 9.3.7
        assert (answer.status_code, answer.content) == (204, b"")
        return
    assert answer.status_code in {400, 401, 405, 429}, answer.text
    assert answer.headers["content-type"][0].startswith("application/problem+json")
