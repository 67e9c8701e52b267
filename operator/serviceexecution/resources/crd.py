"""Generates CustomResourceDefinitions from the models.

Pydantic emits JSON Schema 2020-12; Kubernetes takes "structural" OpenAPI v3 schemas: no references, no null
types, no titles (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/). This module rewrites
the one into the other and refuses what has no translation, so that a model cannot silently lose a rule.
"""

import copy
from typing import Final, cast

from pydantic import BaseModel

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.resources.execution_spec import ExecutionSpec
from serviceexecution.resources.execution_status import ExecutionStatus
from serviceexecution.resources.names import API_GROUP, API_VERSION, KIND, PLURAL

MUTABLE_FIELDS: Final = frozenset({"cancel", "ttlSecondsAfterFinished", "tags"})
OPAQUE_FIELDS: Final = frozenset({"input", "affinity", "podTemplate"})
"""Objects of unknown members: CEL in their parent sees that they are there, their own rule what they hold."""

_DROPPED: Final = frozenset({"title", "default", "additionalProperties", "discriminator", "propertyNames"})
_KEPT: Final = frozenset(
    {
        *("type", "description", "enum", "format", "pattern", "minimum", "maximum", "required", "not"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        *("x-kubernetes-validations", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"),
        *("x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
    }
)


class UntranslatableError(ValueError):
    """A model uses JSON Schema that a structural schema cannot express."""


def structural_schema(model: type[BaseModel]) -> JsonObject:
    """Return the structural OpenAPI v3 schema of ``model``; raises UntranslatableError."""
    schema = cast("JsonObject", model.model_json_schema(by_alias=True, mode="validation"))
    definitions = cast("dict[str, JsonObject]", schema.pop("$defs", {}))
    return _rewrite(schema, definitions, model.__name__)


def _rewrite(node: JsonObject, definitions: dict[str, JsonObject], path: str) -> JsonObject:
    node = _resolve(node, definitions)
    if isinstance(description := node.get("description"), str):
        node["description"] = " ".join(description.split())
    if node.get("x-kubernetes-preserve-unknown-fields") is True:
        return {key: value for key, value in node.items() if key in _KEPT | {"properties"}}
    if node.get("x-kubernetes-int-or-string") is True:
        kept = {key: value for key, value in node.items() if key in {"description", "pattern"}}
        return {
            **kept,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
        }
    result: JsonObject = {}
    for key, value in node.items():
        if key == "properties":
            properties = cast("dict[str, JsonObject]", value)
            result[key] = {
                name: _rewrite(child, definitions, f"{path}.{name}") for name, child in properties.items()
            }
        elif key == "items":
            result[key] = _rewrite(cast("JsonObject", value), definitions, f"{path}[]")
        elif key == "additionalProperties" and isinstance(value, dict):
            result[key] = _rewrite(value, definitions, f"{path}.*")
        elif key == "const":
            result["enum"] = [value]
        elif key in _KEPT:
            result[key] = value
        elif key not in _DROPPED:
            raise UntranslatableError(f"{path}: {key!r} has no structural translation")
    if "type" not in result:
        raise UntranslatableError(f"{path}: no type")
    return result


def _resolve(node: JsonObject, definitions: dict[str, JsonObject]) -> JsonObject:
    """Inline a reference and an optional's ``anyOf [X, null]``; what stands beside them wins."""
    node = dict(node)
    variants = node.get("anyOf")
    if isinstance(variants, list):
        real = [cast("JsonObject", v) for v in variants if v != {"type": "null"}]
        if len(real) == 1:
            del node["anyOf"]
            node = {**_resolve(real[0], definitions), **node}
    reference = node.pop("$ref", None)
    if isinstance(reference, str):
        target = copy.deepcopy(definitions[reference.removeprefix("#/$defs/")])
        node = {**_resolve(target, definitions), **node}
    return node


def _transition_rules(spec: JsonObject) -> list[JsonValue]:
    rules: list[JsonValue] = []
    for name in cast("JsonObject", spec["properties"]):
        if name in MUTABLE_FIELDS:
            continue
        present = f"has(self.{name}) == has(oldSelf.{name})"
        same = f"self.{name} == oldSelf.{name}"
        rule = f"{present} && (!has(self.{name}) || {same})"
        if name in cast("list[str]", spec.get("required", [])):
            rule = same
        elif name in OPAQUE_FIELDS:
            rule = present
        message = f"{name} is immutable: an execution runs once; create a new one to run with other values"
        rules.append({"rule": rule, "message": message, "fieldPath": f".{name}"})
    rules.append(
        {
            "rule": "!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)",
            "message": "cancel cannot be taken back: create a new execution",
            "fieldPath": ".cancel",
        }
    )
    return rules


def _spec_schema() -> JsonObject:
    spec = structural_schema(ExecutionSpec)
    rules = _transition_rules(spec)
    rules.append(
        {
            "rule": "(has(self.input) ? 1 : 0) + (has(self.inputJson) ? 1 : 0) + (has(self.inputFrom) ? 1 : 0) <= 1",
            "message": "give the input once: as input, as inputJson or as inputFrom",
        }
    )
    spec["x-kubernetes-validations"] = rules
    return spec


def _columns() -> list[JsonValue]:
    return [
        {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
        {"name": "Reason", "type": "string", "jsonPath": ".status.reason"},
        {"name": "Started", "type": "date", "jsonPath": ".status.startTime"},
        {"name": "Duration", "type": "string", "jsonPath": ".status.duration"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        {"name": "Message", "type": "string", "jsonPath": ".status.message", "priority": 1},
    ]


def service_execution_crd() -> JsonObject:
    """Return the CustomResourceDefinition of ServiceExecution."""
    schema: JsonObject = {
        "type": "object",
        "description": "ServiceExecution is one run of a service: a Job with its input, secrets and "
        "data pools, whose log and result are kept.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Version of this schema."},
            "kind": {"type": "string", "description": "Kind of this object: ServiceExecution."},
            "metadata": {"type": "object"},
            "spec": _spec_schema(),
            "status": structural_schema(ExecutionStatus),
        },
    }
    version: JsonObject = {
        "name": API_VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": ".status.phase"}],
        "additionalPrinterColumns": _columns(),
        "schema": {"openAPIV3Schema": schema},
    }
    names: JsonObject = {
        "kind": KIND,
        "listKind": f"{KIND}List",
        "plural": PLURAL,
        "singular": KIND.lower(),
        "shortNames": ["sx"],
        "categories": ["serviceexecution"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{API_GROUP}"},
        "spec": {"group": API_GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }
