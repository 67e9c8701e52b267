"""An OpenAPI text's schemas of a service's input and result, as projects of the platform describe them. Pure."""

import json
from collections.abc import Set
from typing import Final

from serviceexecution.contract.input.data_pools import DATA_POOL_REFERENCE
from serviceexecution.contract.json_types import JsonObject, JsonValue, object_of
from serviceexecution.contract.openapi.bounded_yaml import YamlError, read_yaml

MOST_BYTES: Final = 512 * 1024
MOST_VALUES: Final = 20_000
"""Values in a schema, with those that YAML's aliases repeat."""
_DEEPEST: Final = 100
_COMPONENTS: Final = "#/components/schemas/"
_SECRETS: Final = frozenset({"$secrets", "$tags"})
"""Members of a body that are no input: they are taken out before it is checked."""
_ADDED: Final = frozenset({"_links", "_embedded"})
"""Members of an answer that the API adds to a result."""
_SHOWN: Final = frozenset({"example", "xml", "externalDocs", "discriminator"})
"""Keywords of OpenAPI that say nothing about what fits."""
_LIMITS: Final = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


class OpenApiError(ValueError):
    """The text has no schemas that can be used; the message is one sentence."""


class OpenApiText:
    """An OpenAPI text that was read."""

    def __init__(self, data: bytes, name: str) -> None:
        """Read the text, YAML or JSON; ``name`` stands for it in errors. Raises OpenApiError."""
        self._name = name
        self._document = _document(data, name)

    def input_schema(self) -> JsonObject | None:
        """Return the JSON Schema of what is posted, None when the text has none; raises OpenApiError."""
        return self._schema(_posted(self._document["paths"]), "input", _SECRETS)

    def output_schema(self) -> JsonObject | None:
        """Return the JSON Schema of the result, None when the text has none; raises OpenApiError."""
        return self._schema(_result(self._document["paths"]), "result", _ADDED)

    def _schema(self, found: JsonObject, what: str, added: Set[str]) -> JsonObject | None:
        if not found:
            return None
        components = object_of(object_of(self._document.get("components")).get("schemas"))
        return _without(_Converted(components, self._name, what).of(found), added)


def _document(data: bytes, name: str) -> dict[str, dict[object, object]]:
    document = _read(data, name)
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise OpenApiError(f"{name} is no OpenAPI text: it has no paths.")
    return document


def _read(data: bytes, name: str) -> object:
    """Return what the text says, which may be JSON: that is YAML, but read a hundred times as fast."""
    if data.lstrip().startswith(b"{"):
        try:
            found: object = json.loads(data)
        except RecursionError:
            raise OpenApiError(f"{name} is nested too deeply.") from None
        except ValueError:  # YAML may begin so as well
            pass
        else:
            return found
    try:
        return read_yaml(data, name)
    except YamlError as error:
        raise OpenApiError(str(error)) from None


def _posted(paths: dict[object, object]) -> JsonObject:
    """Return the schema of the body of the POST that starts an execution: at the shortest path that has one."""
    posts = sorted((path for path in paths if isinstance(path, str)), key=len)
    for path in posts:
        body = object_of(object_of(object_of(paths[path]).get("post")).get("requestBody"))
        schema = object_of(object_of(object_of(body.get("content")).get("application/json")).get("schema"))
        if schema:
            return schema
    return {}


def _result(paths: dict[object, object]) -> JsonObject:
    """Return the schema of the answer to the GET of a result: at the shortest path that has one."""
    results = sorted((path for path in paths if isinstance(path, str) and path.endswith("/result")), key=len)
    for path in results:
        answers = object_of(object_of(object_of(paths[path]).get("get")).get("responses"))
        # YAML reads a code without quotes as a number
        answer = next((object_of(one) for code, one in answers.items() if str(code) == "200"), {})
        schema = object_of(object_of(object_of(answer.get("content")).get("application/json")).get("schema"))
        if schema:
            return schema
    return {}


class _Converted:
    """A schema of OpenAPI 3.0 or 3.1 as JSON Schema 2020-12, with the components that it names."""

    def __init__(self, components: JsonObject, name: str, what: str) -> None:
        """``what`` the schema is of."""
        self._components = components
        self._name = name
        self._what = what
        self._values = 0
        self._defs: JsonObject = {}

    def of(self, schema: JsonObject) -> JsonObject:
        for _ in range(_DEEPEST):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            schema = self._component(reference)
        converted = self._convert(schema, 0)
        found = converted if isinstance(converted, dict) else {}
        return {**found, "$defs": self._defs} if self._defs else found

    def _convert(self, value: object, depth: int) -> JsonValue:
        self._values += 1
        if self._values > MOST_VALUES or depth > _DEEPEST:
            raise OpenApiError(f"{self._name}: the {self._what}'s schema is too large or nested too deeply.")
        if isinstance(value, list):
            return [self._convert(one, depth + 1) for one in value]
        if isinstance(value, dict):
            return self._of_object(value, depth)
        return value if isinstance(value, str | int | float | bool) or value is None else str(value)

    def _of_object(self, value: dict[object, object], depth: int) -> JsonObject:
        members = {str(name): member for name, member in value.items()}
        reference = members.get("$ref")
        if isinstance(reference, str):
            return {"$ref": self._named(reference, depth)}
        nullable = members.pop("nullable", False) is True
        for exclusive, limit in _LIMITS.items():
            if isinstance(members.get(exclusive), bool) and members.pop(exclusive) and limit in members:
                members[exclusive] = members.pop(limit)
        converted = {
            name: self._properties(member, depth)
            if name == "properties"
            else self._convert(member, depth + 1)
            for name, member in members.items()
            if name not in _SHOWN
        }
        if nullable and isinstance(converted.get("type"), str):
            converted["type"] = [converted["type"], "null"]
        return converted

    def _properties(self, value: object, depth: int) -> JsonValue:
        """Return the properties, whose names are no keywords."""
        if not isinstance(value, dict):
            return self._convert(value, depth + 1)
        properties = {str(name): self._convert(member, depth + 2) for name, member in value.items()}
        kind = properties.get("ref")
        return {**properties, "ref": _kind_of_data_pool(kind)} if isinstance(kind, dict) else properties

    def _named(self, reference: str, depth: int) -> str:
        """Return where a component stands in the new schema; it goes along."""
        component = self._component(reference)
        name = reference.removeprefix(_COMPONENTS)
        if name not in self._defs:
            self._defs[name] = {}  # It may name itself
            self._defs[name] = self._convert(component, depth + 1)
        return f"#/$defs/{name}"

    def _component(self, reference: str) -> JsonObject:
        name = reference.removeprefix(_COMPONENTS)
        found = self._components.get(name)
        if not reference.startswith(_COMPONENTS) or not isinstance(found, dict):
            raise OpenApiError(
                f"{self._name}: {reference[:200]} is not there; a schema may name {_COMPONENTS}<name>."
            )
        return found


def _kind_of_data_pool(schema: JsonObject) -> JsonObject:
    """Return the schema of a member ``ref``; one that takes only ``datapool`` takes what a submission makes of it.

    The platform's libraries write it in lower case here, and its clients send it in upper case.
    """
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if not isinstance(values, list) or DATA_POOL_REFERENCE in values:
        return schema
    if not any(isinstance(value, str) and value.upper() == DATA_POOL_REFERENCE for value in values):
        return schema
    others = {name: value for name, value in schema.items() if name != "const"}
    return {**others, "enum": [*values, DATA_POOL_REFERENCE]}


def _without(schema: JsonObject, added: Set[str]) -> JsonObject:
    """Return the schema without members that are not the user's own."""
    properties = {
        name: value for name, value in object_of(schema.get("properties")).items() if name not in added
    }
    required = schema.get("required")
    found = {name: value for name, value in schema.items() if name not in {"properties", "required"}}
    if properties:
        found["properties"] = properties
    if isinstance(required, list):
        kept = [name for name in required if name not in added]
        if kept:
            found["required"] = kept
    return found
