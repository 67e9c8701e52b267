"""What the gateway remembers of services: a little of each, and whole ones of those that are used."""

import copy
from typing import Any

import pytest

from serviceexecution.gateway.state.definition_index import (
    LARGEST_TEXT,
    DefinitionIndex,
    KnownDefinition,
    definition_of_text,
    known_definition,
)
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service

SCHEMA = {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(1000)}}


def revision(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "key": "k",
        "phase": "Succeeded",
        "message": "x" * 5000,
        "attempts": 2,
        "inputSchema": SCHEMA,
        "outputSchema": SCHEMA,
    }


def body(name="sum", version=1, namespace="ns", **spec) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "resourceVersion": str(version),
            "creationTimestamp": "2026-11-27T00:00:00Z",
            "annotations": {"a": "x" * 5000},
        },
        "spec": {"runtime": {"docker": {"build": {}}}, "inputSchema": SCHEMA, **spec},
        "status": {
            "revision": "r2",
            "revisions": [revision("r2"), revision("r1")],
            "conditions": [
                {
                    "type": "Ready",
                    "status": "False",
                    "reason": "x",
                    "message": "y" * 30_000,
                    "lastTransitionTime": "2026-11-27T00:00:00Z",
                }
            ],
        },
    }


def taken(index: DefinitionIndex, given: dict[str, Any]) -> KnownDefinition:
    known = index.put(given)
    assert known is not None
    return known


def test_a_record_has_no_schema_and_nothing_long():
    known = known_definition(body())
    assert known is not None
    assert known.is_built
    assert known.status.serving is not None
    assert (known.status.serving.attempts, known.status.serving.input_schema) == (2, None)
    assert len(known.status.conditions[0].message) == 1000
    assert len(repr(known)) < 10_000


@pytest.mark.parametrize(
    "change", [{"status": {"phase": "New"}}, {"metadata": {}}, {"status": {"revisions": [1]}}]
)
def test_what_cannot_be_read_is_none(change):
    assert known_definition({**body(), **change}) is None


def test_the_text_has_the_schemas_of_what_serves():
    index = DefinitionIndex()
    text = index.text(taken(index, body()))
    assert text is not None
    definition = definition_of_text(text)
    assert definition is not None
    assert definition.input_schema == definition.output_schema == SCHEMA
    assert [one.name for one in definition.status.revisions] == ["r2"]


def test_an_older_text_does_not_stand_for_a_newer_state():
    index = DefinitionIndex()
    taken(index, body(version=5))
    newer = known_definition(body(version=6))
    assert newer is not None
    assert index.text(newer) is None
    assert index.put(body(version=4)) == index.find("ns", "sum")


def test_texts_and_records_are_bounded_and_whoever_has_most_loses():
    index = DefinitionIndex(known_bytes=100_000, text_bytes=500_000)
    quiet = taken(index, body("quiet", namespace="quiet"))
    for number in range(100):
        taken(index, body(f"loud-{number}", number + 1))
    assert index.text(quiet) is not None
    assert 10 < len(index.names("ns")) < 20
    last = index.find("ns", "loud-99")
    assert last is not None
    assert index.text(last) is not None


@pytest.mark.parametrize("size", [LARGEST_TEXT, 0])
def test_what_is_too_large_or_too_deep_is_known_without_its_text(size):
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    index = DefinitionIndex()
    known = taken(index, body(description="x" * size) if size else body(inputSchema={"a": deep}))
    assert index.text(known) is None
    assert index.find("ns", "sum") is known


async def test_a_service_that_is_not_remembered_is_fetched(tmp_path):
    service = Service(tmp_path)
    service.state._definitions = DefinitionIndex(known_bytes=1, text_bytes=1)
    service.cluster.define("own", inputSchema={"type": "object", "required": ["a"]})
    base = f"/services/{NAMESPACE}/own"
    assert (await service.http.post(base, json={})).status_code == 422
    assert (await service.http.post(base, json={"a": 1})).status_code == 201
    text = (await service.http.get(f"{base}/openapi.json")).json()
    assert text["components"]["schemas"]["Input"]["allOf"][0]["required"] == ["a"]


async def test_a_known_service_is_asked_for_no_more(tmp_path):
    service = Service(tmp_path)
    await service.started()
    service.cluster.requests.clear()
    await service.started()
    assert ("get", "servicedefinitions") not in service.cluster.calls


async def test_a_schema_that_no_service_may_have_is_not_shown(tmp_path):
    service = Service(tmp_path)
    large = copy.deepcopy(SCHEMA) | {"description": "x" * 70_000}
    service.cluster.define("own", inputSchema=large, outputSchema=large)
    answer = await service.http.get(f"/services/{NAMESPACE}/own/openapi.json")
    assert answer.status_code == 200
    assert "MainResult" not in answer.json()["components"]["schemas"]
    assert len(answer.content) < 30_000
