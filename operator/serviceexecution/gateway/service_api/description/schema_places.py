"""A schema moved into a document, so that its references still find their targets there. Pure.

An ``$id`` would do by the standard, but generators of clients and pages do not know it.
"""

from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue

_OF_SCHEMAS: Final = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)
"""Keywords whose members have names of the author's choice and are schemas."""
_OF_VALUES: Final = frozenset({"const", "enum", "default", "examples"})
_OWN_NAMES: Final = frozenset({"$id", "$anchor", "$dynamicRef", "$dynamicAnchor"})


def placed(schema: JsonObject, pointer: str, *, identifier: str) -> JsonObject:
    """Return the schema as it must stand at ``pointer``, such as ``#/components/schemas/Input``.

    One that gives names to its parts is left as it is, and ``identifier`` becomes its ``$id``.
    """
    if _has_names(schema):
        return {**schema, "$id": identifier}
    moved = _moved(schema, pointer)
    return moved if isinstance(moved, dict) else schema


def _has_names(schema: JsonValue) -> bool:
    if isinstance(schema, list):
        return any(_has_names(one) for one in schema)
    if not isinstance(schema, dict):
        return False
    for name, value in schema.items():
        if name in _OWN_NAMES and isinstance(value, str):
            return True
        if name not in _OF_VALUES and _has_names(_members(name, value)):
            return True
    return False


def _moved(schema: JsonValue, pointer: str) -> JsonValue:
    if isinstance(schema, list):
        return [_moved(one, pointer) for one in schema]
    if not isinstance(schema, dict):
        return schema
    moved: JsonObject = {}
    for name, value in schema.items():
        if name == "$ref" and isinstance(value, str) and value.startswith("#"):
            moved[name] = pointer + value.removeprefix("#")
        elif name in _OF_VALUES:
            moved[name] = value
        elif name in _OF_SCHEMAS and isinstance(value, dict):
            moved[name] = {member: _moved(one, pointer) for member, one in value.items()}
        else:
            moved[name] = _moved(value, pointer)
    return moved


def _members(name: str, value: JsonValue) -> JsonValue:
    """Return what is to be looked through: of named schemas the schemas, without their names."""
    return list(value.values()) if name in _OF_SCHEMAS and isinstance(value, dict) else value
