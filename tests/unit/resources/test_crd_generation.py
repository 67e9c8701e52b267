"""The generated CustomResourceDefinition: up to date, structural, described and bounded everywhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import pytest
import yaml
from pydantic import Field, ValidationError

from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.crds.definitions import (
    MUTABLE_FIELDS,
    OPAQUE_FIELDS,
    service_execution_crd,
)
from serviceexecution.resources.crds.structural import UntranslatableError, structural_schema
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.retry import RetryReason
from serviceexecution.resources.model import ResourceModel
from serviceexecution.resources.names import API_GROUP, PLURAL

ROOT: Final = Path(__file__).parents[3]
CRD: Final[Any] = service_execution_crd()
VERSION: Final[Any] = CRD["spec"]["versions"][0]
SCHEMA: Final[Any] = VERSION["schema"]["openAPIV3Schema"]
SPEC: Final[Any] = SCHEMA["properties"]["spec"]


def nodes(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every schema below ``node`` with its path."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key, part in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(node.get(key), dict):
            yield from nodes(node[key], f"{path}{part}")


ALL: Final = [(path, node) for path, node in nodes(SCHEMA) if path]
USERS: Final = [(path, node) for path, node in nodes(SPEC, ".spec")]


def test_the_file_in_crds_is_what_the_models_say():
    text = (ROOT / f"crds/{API_GROUP}_{PLURAL}.yaml").read_text()
    assert yaml.safe_load(text) == CRD, "run python -m tools.generate"


def test_generation_of_the_crd_is_deterministic():
    assert yaml.safe_dump(service_execution_crd(), sort_keys=False) == yaml.safe_dump(CRD, sort_keys=False)


def test_every_field_is_structural():
    for path, node in ALL:
        assert "type" in node or node.get("x-kubernetes-int-or-string") is True, path
        refused = {"$ref", "title", "default", "oneOf", "allOf", "const"} & set(node)
        assert not refused or (path, node.get("default")) == (".status", {"observedGeneration": -1}), path
        assert "anyOf" not in node or node["x-kubernetes-int-or-string"] is True, path
        if node.get("type") == "object" and path != ".metadata":
            known = {"properties", "additionalProperties", "x-kubernetes-preserve-unknown-fields"}
            assert known & set(node), f"{path}: unknown members are pruned or kept by a word"


def test_every_field_is_described():
    for path, node in ALL:
        if path == ".metadata" or path.endswith(("[]", ".*")):
            continue
        description = node.get("description", "")
        assert description.endswith("."), path
        assert "``" not in description, f"{path}: kubectl explain prints it as it is"
        assert "\n" not in description, path


def test_what_users_give_is_bounded():
    """Else the API server cannot bound the cost of the rules, and refuses the definition."""
    for path, node in USERS:
        kind = node.get("type")
        if kind == "string":
            assert {"maxLength", "enum"} & set(node), path
        if kind == "array":
            assert "maxItems" in node, path
        if kind == "object" and isinstance(node.get("additionalProperties"), dict):
            assert "maxProperties" in node, path


def test_every_member_of_the_spec_is_immutable_but_three():
    for name, node in SPEC["properties"].items():
        same = [
            rule for rule in node.get("x-kubernetes-validations", []) if rule["rule"] == "self == oldSelf"
        ]
        if name in MUTABLE_FIELDS:
            assert not same
        else:
            said = "" if name in OPAQUE_FIELDS else f"{name} "
            assert [rule["message"][: len(said) + 12] for rule in same] == [f"{said}is immutable"]
    assert set(MUTABLE_FIELDS) == {"cancel", "ttlSecondsAfterFinished", "tags"}


def test_an_immutable_member_can_be_neither_added_nor_removed_later():
    (rule,) = (rule for rule in SPEC["x-kubernetes-validations"] if "messageExpression" in rule)
    compared = re.findall(r"has\(self\.(\w+)\) == has\(oldSelf\.\1\)", rule["rule"])
    named = re.findall(r"has\(self\.(\w+)\) != has\(oldSelf\.\1\) \? '\1'", rule["messageExpression"])
    assert compared == named
    assert set(compared) == SPEC["properties"].keys() - MUTABLE_FIELDS


def test_rules_of_the_whole_spec_are_few():
    """Each member of ``self`` in them costs the API server a walk over all members, at each write of a status."""
    rules = [rule["rule"] for rule in SPEC["x-kubernetes-validations"]]
    always = [rule for rule in rules if not rule.startswith("self == oldSelf || (")]
    assert len(always) == len(rules) - 1
    assert sum(len(re.findall(r"[sS]elf\.\w+", rule)) for rule in always) <= 10


def test_what_kubectl_shows_and_selects():
    assert [column["name"] for column in VERSION["additionalPrinterColumns"]] == [
        "Phase",
        "Reason",
        "Service",
        "Started",
        "Duration",
        "Age",
        "Message",
    ]
    paths = [".status.phase", ".spec.serviceRef.name"]
    assert VERSION["selectableFields"] == [{"jsonPath": path} for path in paths]
    assert VERSION["subresources"] == {"status": {}}
    assert CRD["spec"]["names"]["shortNames"] == ["sx"]
    assert CRD["spec"]["names"]["categories"]


def test_the_rules_know_what_must_be_given():
    assert "required" not in SPEC
    assert any("serviceRef" in rule["rule"] for rule in SPEC["x-kubernetes-validations"])
    assert set(SPEC["properties"]) == {
        field.alias for field in ExecutionSpec.model_fields.values() if field.alias
    }


class TestTranslation:
    def test_what_has_no_translation_is_refused(self):
        class Odd(ResourceModel):
            """Has a union of types."""

            field: int | bool
            """Either."""

        with pytest.raises(UntranslatableError, match="Odd"):
            structural_schema(Odd)

    def test_an_exclusive_bound_is_not_lost(self):
        class Odd(ResourceModel):
            """Has a bound that structural schemas write differently."""

            field: Annotated[int, Field(gt=0)]
            """A number."""

        with pytest.raises(UntranslatableError, match="exclusiveMinimum"):
            structural_schema(Odd)

    def test_optional_means_left_out_not_null(self):
        class Plain(ResourceModel):
            """Has an optional member."""

            some_name: Annotated[str, Field(max_length=3)] | None = None
            """Text over
            two lines.
            """

        assert structural_schema(Plain) == {
            "type": "object",
            "description": "Has an optional member.",
            "properties": {
                "someName": {"type": "string", "maxLength": 3, "description": "Text over two lines."}
            },
        }


RETRIES = [
    ({"maxAttempts": 3, "onExitCodes": [75]}, ""),
    ({"maxAttempts": 1}, ""),
    ({"maxAttempts": 2, "onOutOfMemory": {"memoryFactor": 1.5, "maxMemory": "2Gi"}}, ""),
    ({"maxAttempts": 2}, "say when to try again"),
    ({"maxAttempts": 11, "onReasons": ["PodLost"]}, "less than or equal to 10"),
    ({"maxAttempts": 0, "onReasons": ["PodLost"]}, "greater than or equal to 1"),
    ({"maxAttempts": 2, "onReasons": ["Cancelled"]}, "onReasons"),
    ({"maxAttempts": 2, "onExitCodes": [0]}, "greater than or equal to 1"),
    ({"maxAttempts": 2, "onExitCodes": [256]}, "less than or equal to 255"),
    ({"maxAttempts": 2, "onExitCodes": []}, "at least 1 item"),
    ({"maxAttempts": 2, "onOutOfMemory": {"memoryFactor": 1, "maxMemory": "2Gi"}}, "memoryFactor"),
]


@pytest.mark.parametrize(("retry", "refusal"), RETRIES)
def test_a_retry_is_refused_with_its_field(retry, refusal):
    body = {"runtime": {"docker": {"image": "sum:1"}}, "retry": retry}
    if not refusal:
        assert ExecutionSpec.model_validate(body).retry is not None
        return
    with pytest.raises(ValidationError, match=refusal) as raised:
        ExecutionSpec.model_validate(body)
    assert "retry" in str(raised.value)


def test_reasons_of_retries_are_reasons_and_ends():
    assert {one.value for one in RetryReason} <= {one.value for one in Reason}
    assert not {"Cancelled", "Succeeded", "JobDeleted", "RanBefore"} & {one.value for one in RetryReason}
