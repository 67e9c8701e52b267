"""values.schema.json: refuses keys that do not exist and values that cannot work, before anything is installed."""

import json
from collections.abc import Sequence
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from tools.chart.values import Value
from tools.errors import GenerationError

_QUANTITY: Final[JsonObject] = {
    "type": ["string", "integer", "number"],
    "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$",
}
_QUANTITIES: Final[JsonObject] = {"type": "object", "additionalProperties": _QUANTITY}

SHAPES: Final[dict[str, JsonObject]] = {
    "stringMap": {"type": "object", "additionalProperties": {"type": "string"}},
    "object": {"type": "object"},
    "objectList": {"type": "array", "items": {"type": "object"}},
    "nameList": {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {"name": {"type": "string", "minLength": 1}},
        },
    },
    "digest": {"type": "string", "pattern": "^$|^sha256:[0-9a-f]{64}$"},
    "pullPolicy": {"type": "string", "enum": ["Always", "IfNotPresent", "Never"]},
    "duration": {"type": "string", "pattern": "^([0-9]+(h|m|s|ms))+$"},
    "quantity": _QUANTITY,
    "resources": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"requests": _QUANTITIES, "limits": _QUANTITIES},
    },
    "env": {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "value": {"type": "string"},
                "valueFrom": {"type": "object"},
            },
        },
    },
}
"""What ``# @schema {shape: …}`` may name. Objects of Kubernetes itself stay open: the API server checks them."""


def values_schema(values: Sequence[Value]) -> str:
    """Return the text of values.schema.json. Raises GenerationError for a value that anything would satisfy."""
    schema: JsonObject = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart serviceexecution",
        **_section(values),
    }
    properties = schema["properties"]
    if isinstance(properties, dict):
        # Helm itself adds this key where the chart is a dependency of another.
        properties["global"] = {"type": "object", "description": "Values that a parent chart shares."}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _section(values: Sequence[Value]) -> JsonObject:
    properties: dict[str, JsonValue] = {value.name: _schema(value) for value in values}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _schema(value: Value) -> JsonObject:
    if value.children:
        return _section(value.children)
    rules = dict(value.rules)
    shape = rules.pop("shape", None)
    if shape is None:
        base: JsonObject = {"type": _type(value)}
    elif isinstance(shape, str) and shape in SHAPES:
        base = SHAPES[shape]
    else:
        raise GenerationError(f"{value.path}: the shape {shape!r} is unknown; known are {', '.join(SHAPES)}")
    schema = {"description": value.description, **base, **rules, "default": value.default}
    if (schema["type"] == "array" and "items" not in schema) or (schema["type"] == "object" and not shape):
        raise GenerationError(f"{value.path}: say by '# @schema' what its members may be")
    return schema


def _type(value: Value) -> str:
    match value.default:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            raise GenerationError(f"{value.path}: null says no type; choose another default")
