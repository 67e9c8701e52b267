"""The platform's own OpenAPI text, as its package holds it, against what we answer.

What differs is named here and explained in docs/service-api-differences.md; anything else that differs fails.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import jsonschema_rs
import pytest
import yaml

from tests.support.sandbox import shell
from tests.support.sdk.environment import sdk_environment
from tests.support.service_api import ServiceApi

LOCK: Final = Path(__file__).parent / "qhub-commons" / "requirements.lock"
TEXT: Final = "qhub/commons/openapi/service-api/openapi-service.yaml"
PROGRAM: Final = (
    "echo WARNING:root:text; mkdir /var/runtime/output/plots; echo x > /var/runtime/output/plots/a.png; "
    "echo '{\"sum\": 6}' > /var/runtime/output/output.json"
)
DIFFERENCES: Final = {
    ("cancelExecution", "204"): "200",
    ("getLogs", "204"): "200",
}
"""Statuses of the text that we never answer, and the one in their place."""


@pytest.fixture(scope="module")
def text() -> dict[str, Any]:
    """Return the platform's text."""
    python = sdk_environment(LOCK)
    (found,) = python.parent.parent.glob(f"lib/python*/site-packages/{TEXT}")
    loaded: dict[str, Any] = yaml.safe_load(found.read_text())
    return loaded


def operations(text: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the text's operations by their id."""
    return {
        item["operationId"]: item
        for path in text["paths"].values()
        for item in path.values()
        if "operationId" in item
    }


def check(text: Mapping[str, Any], operation: str, answer: httpx.Response) -> None:
    """Fail unless the text describes the answer."""
    responses = operations(text)[operation]["responses"]
    status = str(answer.status_code)
    if status not in responses:
        assert status in {ours for (name, _), ours in DIFFERENCES.items() if name == operation}, (
            operation,
            status,
        )
        return
    media = responses[status]["content"]
    if "application/json" not in media:
        return  # bytes, of whatever type the file has
    assert answer.headers["content-type"] == "application/json"
    schema = {**media["application/json"]["schema"], "components": text["components"]}
    faults = [
        error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(answer.json())
    ]
    assert faults == [], json.dumps(answer.json())


def test_every_operation_of_the_text(text: dict[str, Any], service_api: ServiceApi) -> None:
    url = service_api.define(shell(PROGRAM)).url
    with httpx.Client(headers={"Authorization": f"Bearer {service_api.key.token()}"}, timeout=30) as http:
        created = http.post(f"{url}/", json={"data": {"values": [1]}, "$tags": ["a"]})
        check(text, "startExecution", created)
        name = created.json()["id"]
        assert created.headers["location"] == f"{url}/{name}"
        service_api.sandbox.wait_for_end(name)
        answers = {
            "getServiceExecutions": http.get(f"{url}/"),
            "getStatus": http.get(f"{url}/{name}"),
            "getResult": http.get(f"{url}/{name}/result"),
            "getResultFile": http.get(f"{url}/{name}/result/plots/a.png"),
            "getLogs": http.get(f"{url}/{name}/log"),
            "cancelExecution": http.put(f"{url}/{name}/cancel"),
        }
        for operation, answer in answers.items():
            check(text, operation, answer)
        assert {"startExecution", *answers} == set(operations(text))
        assert answers["getResult"].json()["sum"] == 6


def test_the_differences_are_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "service-api-differences.md").read_text()
    for operation, status in DIFFERENCES:
        assert operation in page
        assert status in page
