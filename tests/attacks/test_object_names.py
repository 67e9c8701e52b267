"""C1: every name of an object or of a key in a spec has the pattern of what it names, in both CRDs and in the models.

Fails on 9b98b50: there any text was a name, and an object that was stored with one was used as it was.
"""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.crds.definitions import service_definition_crd, service_execution_crd
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.services.definition import ServiceDefinitionSpec
from tests.attacks.object_names import (
    BAD,
    BAD_KEYS,
    EVIL,
    GOOD,
    GOOD_KEYS,
    OF_EXECUTIONS,
    OF_SERVICES,
    spec_with,
)
from tests.unit.controller.conftest import world
from tests.unit.controller.harness import World

__all__ = ["world"]
_NO_OBJECTS = {"displayName", "env[].name"}
"""Names of other things."""


def leaves(node: JsonObject, path: str = "") -> Iterator[tuple[str, JsonObject]]:
    for name, child in cast("JsonObject", node.get("properties", {})).items():
        yield from leaves(cast("JsonObject", child), f"{path}.{name}" if path else name)
    for member, sign in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(child := node.get(member), dict):
            yield from leaves(child, path + sign)
    if node.get("type") == "string":
        yield path, node


def spec_of(crd: JsonObject) -> JsonObject:
    found: Any = crd
    return cast(
        "JsonObject",
        found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"],
    )


@pytest.mark.parametrize(
    ("crd", "expected"),
    [(service_execution_crd(), OF_EXECUTIONS), (service_definition_crd(), OF_SERVICES)],
    ids=["ServiceExecution", "ServiceDefinition"],
)
def test_every_name_in_a_crd_has_its_pattern_and_says_it_in_words(crd, expected):
    """A new field that names something is to be added here, with its pattern."""
    named = {
        path: str(node.get("x-kubernetes-validations"))
        for path, node in leaves(spec_of(crd))
        if path.split(".")[-1] in {"name", "key"} or path.endswith(("Name", "signingKey"))
    }
    named = {
        path: rules for path, rules in named.items() if path not in _NO_OBJECTS and "olerations" not in path
    }
    assert set(named) == set(expected)
    for path, kind in expected.items():
        assert f"must be a {kind} such as" in named[path], path


def read(model: type[ExecutionSpec] | type[ServiceDefinitionSpec], path: str, value: str) -> None:
    """Read such a spec; what else it lacks is no matter."""
    whole = {"name": "a", "key": "b"}
    part: Any = spec_with(path, value)
    parent = part
    for step in path.replace("[]", ".[]").split(".")[:-1]:
        parent = parent[0] if step == "[]" else parent["x" if step == "*" else step]
    if "KeyRef" in path:
        parent.update({name: text for name, text in whole.items() if name not in parent})
    model.model_validate({"runtime": {"docker": {"image": "a:1"}}, **part})


def faults(model: type[ExecutionSpec] | type[ServiceDefinitionSpec], path: str, value: str) -> list[str]:
    """Return what is wrong with such a spec, as types of faults."""
    try:
        read(model, path, value)
    except ValidationError as error:
        return [fault["type"] for fault in error.errors()]
    return []


@pytest.mark.parametrize(
    ("model", "path", "kind"),
    [(ExecutionSpec, *entry) for entry in OF_EXECUTIONS.items()]
    + [(ServiceDefinitionSpec, *entry) for entry in OF_SERVICES.items()],
)
def test_the_models_refuse_what_is_stored_already(model, path, kind):
    for text in BAD if kind == "name" else BAD_KEYS:
        with pytest.raises(ValidationError) as caught:
            read(model, path, text)
        places = [".".join(str(part) for part in fault["loc"]) for fault in caught.value.errors()]
        expected = path.replace("[]", ".0").replace(".*", ".x")
        assert any(expected == place for place in places), (text, places)
    for text in GOOD[:5] if kind == "name" else GOOD_KEYS:
        assert set(faults(model, path, text)) <= {"missing"}, text


async def test_a_stored_execution_ends_with_the_field_named(world: World):
    world.apply(inputJson=None, inputFrom={"configMapRef": {"name": EVIL}})
    await world.controller.run()
    assert world.said_raw() == ("Failed", "InvalidSpec")
    body: Any = world.kubernetes.one(SERVICE_EXECUTIONS)
    assert "spec.inputFrom.configMapRef.name: must be a name such as my-object.1" in body["status"]["message"]
    asked = {(request.verb, request.resource) for request in world.kubernetes.requests}
    assert ("get", "configmaps") not in asked


async def test_a_stored_service_says_so_once_and_its_executions_too(world: World):
    world.kubernetes.put(
        SERVICE_DEFINITIONS,
        {
            "metadata": {"name": "adder", "namespace": "team"},
            "spec": {"runtime": {"docker": {"image": "a:1"}}, "serviceAccountName": EVIL},
        },
    )
    await world.controller.watch()
    (key,) = await world.controller.services()
    await world.controller.reconcile_service(key)
    body: Any = world.kubernetes.one(SERVICE_DEFINITIONS)
    (ready,) = body["status"]["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "False", "Invalid")
    assert ready["message"].startswith("spec.serviceAccountName: must be a name such as")
    assert body["status"]["phase"] == "Failed"
    writes = world.kubernetes.writes()
    await world.controller.watch()
    await world.controller.reconcile_service(key)
    assert world.kubernetes.writes() == writes, "once is enough"
    world.apply(runtime=None, serviceRef={"name": "adder"})
    await world.controller.run()
    assert world.said() == ("Pending", "ServiceNotReady")
    assert "spec.serviceAccountName" in str(world.execution.status.message)


async def test_a_service_that_was_mended_is_ready_again(world: World):
    metadata: JsonObject = {"name": "adder", "namespace": "team"}
    runtime: JsonObject = {"docker": {"image": "a:1"}}
    world.kubernetes.put(
        SERVICE_DEFINITIONS, {"metadata": metadata, "spec": {"runtime": runtime, "priorityClassName": "A"}}
    )
    await world.controller.watch()
    (key,) = await world.controller.services()
    await world.controller.reconcile_service(key)
    world.kubernetes.change(SERVICE_DEFINITIONS, "team", "adder", {"spec": {"priorityClassName": "a"}})
    await world.controller.watch()
    await world.controller.reconcile_service(key)
    body: Any = world.kubernetes.one(SERVICE_DEFINITIONS)
    assert body["status"]["phase"] == "Ready"
