"""From Pydantic's JSON Schema to the "structural" OpenAPI v3 schemas of CustomResourceDefinitions.

Kubernetes takes no references, no null types, no titles
(https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/). What has no translation is refused, so
that a model cannot silently lose a rule.
"""

import copy
from typing import Final, cast

from pydantic import BaseModel

from serviceexecution.contract.json_types import JsonObject

_DROPPED: Final = frozenset({"title", "default", "additionalProperties", "discriminator", "propertyNames"})
_KEPT: Final = frozenset(
    {
        *("type", "description", "enum", "format", "pattern", "minimum", "maximum", "required", "not"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        *("x-kubernetes-validations", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"),
        *("x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
    }
)
_KEPT_OF_EITHER: Final = frozenset({"description", "pattern", "x-kubernetes-validations"})
"""Of what is an integer or a string."""


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
        kept = {key: value for key, value in node.items() if key in _KEPT_OF_EITHER}
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


def without_transition_rules(node: JsonObject) -> JsonObject:
    """Return the schema of an object that may change: without the rules that compare with the old one."""
    result: JsonObject = {}
    for key, value in node.items():
        if key == "x-kubernetes-validations" and isinstance(value, list):
            kept = [rule for rule in value if "oldSelf" not in str(rule)]
            if kept:
                result[key] = kept
        elif key == "properties" and isinstance(value, dict):
            result[key] = {
                name: without_transition_rules(cast("JsonObject", child)) for name, child in value.items()
            }
        elif key in {"items", "additionalProperties"} and isinstance(value, dict):
            result[key] = without_transition_rules(value)
        else:
            result[key] = value
    return result
