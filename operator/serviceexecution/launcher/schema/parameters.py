"""JSON Schemas of what the libraries' converters take for a parameter.

A converter gets the text of a property. Inside of a list, a set, a tuple or a dictionary it gets the text of a string
as it stands, without quotes, so that there every string may be what its text says.
"""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, Final, get_args

from serviceexecution.launcher.schema import enums
from serviceexecution.launcher.schema.core import CoreSchemas
from serviceexecution.launcher.schema.pieces import (
    STRING,
    JsonSchema,
    any_of,
    anything,
    described,
    json_or_none,
    takes_anything,
    type_text,
    typed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from serviceexecution.launcher.converters import Converters

_AS_TEXT: Final = "Any JSON value: the program gets its text."
_ALWAYS_TRUE: Final = "Any JSON value: the library turns each into True, even false."
_OR_NONE: Final = "Everything else becomes None."
_DATA_POOL: Final = "^[dD][aA][tT][aA][pP][oO][oO][lL]$"


class ParameterSchemas:
    """Makes the schemas of parameters for the converters of one library."""

    def __init__(self, converters: Converters) -> None:
        self._converters = converters
        self.models = CoreSchemas()
        self._makers: Mapping[str, Callable[[Any], JsonSchema]] = {
            "UnionTypeConverter": self._union,
            "TupleTypeConverter": self._tuple,
            "SetTypeConverter": self._items,
            "ListTypeConverter": self._items,
            "TypedDictConverter": self._dict,
            "EnumTypeConverter": enums.by_value_or_name,
            "DateTimeConverter": lambda _: typed(STRING),
            "UuidConverter": lambda _: typed(STRING),
            "PathConverter": lambda _: typed(STRING),
            "DecimalConverter": lambda _: typed("number", STRING),
            "PrimitiveTypeConverter": _primitive,
            "BaseModelConverter": self._model,
        }

    def properties(self, signature: Signature) -> tuple[dict[str, JsonSchema], list[str]]:
        """Return the schemas of the properties by name, and which of them must be there."""
        schemas: dict[str, JsonSchema] = {}
        required: list[str] = []
        for parameter in signature.parameters.values():
            annotation = parameter.annotation
            if self._converters.is_secret(annotation):
                continue  # It comes as a variable; a property of its name is not looked at
            if self._converters.is_data_pool(annotation):
                schemas[parameter.name] = self._data_pool(annotation)
                continue  # Not required: the service may have it mounted
            schema = self.of(annotation)
            schemas[parameter.name] = _documented(schema, parameter)
            if self._is_required(parameter, schema):
                required.append(parameter.name)
        return schemas, required

    def of(self, annotation: object) -> JsonSchema:
        """Return the schema of every value that is converted to ``annotation``."""
        handler = self._converters.handler(annotation)
        if not handler:
            return {"not": {}}
        maker = self._makers.get(handler)
        return {} if maker is None else maker(annotation)

    def _nested(self, annotation: object) -> JsonSchema:
        return any_of([self.of(annotation), typed(STRING)])

    def _is_required(self, parameter: Parameter, schema: JsonSchema) -> bool:
        if parameter.kind in {Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL}:
            return False
        if parameter.default is not Parameter.empty or self._converters.is_optional(parameter.annotation):
            return False
        if self._converters.handler(parameter.annotation) != "BaseModelConverter":
            return True
        # Without a value the library makes the model of {}
        resolved = self.models.resolved(schema)
        types = resolved.get("type", "object")
        return bool(resolved.get("required")) or "object" not in (
            [types] if isinstance(types, str) else types
        )

    def _union(self, annotation: object) -> JsonSchema:
        if self._converters.is_optional(annotation):
            inner = next(choice for choice in get_args(annotation) if choice is not type(None))
            schema = self.of(inner)
            return schema if takes_anything(schema) else anything(_OR_NONE)
        return any_of([self.of(choice) for choice in get_args(annotation) if choice is not type(None)])

    def _items(self, annotation: object) -> JsonSchema:
        arguments = get_args(annotation)
        items = self._nested(arguments[0]) if arguments else {}
        return {"type": "array", "items": items} if items else typed("array")

    def _tuple(self, annotation: object) -> JsonSchema:
        arguments = get_args(annotation)
        if not arguments:
            return typed("array")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return self._items(annotation)
        size = len(arguments)
        items = [self._nested(argument) for argument in arguments]
        return {"type": "array", "prefixItems": items, "minItems": size, "maxItems": size}

    def _dict(self, annotation: object) -> JsonSchema:
        arguments = get_args(annotation)
        values = self._nested(arguments[1]) if len(arguments) >= 2 else {}
        return {"type": "object", "additionalProperties": values} if values else typed("object")

    def _model(self, annotation: type[BaseModel]) -> JsonSchema:
        if not _validates_as_usual(annotation):
            return {}
        try:
            annotation.model_rebuild()  # Does nothing when the model is complete
            return self.models.of(dict(annotation.__pydantic_core_schema__))
        except Exception:  # noqa: BLE001 - a schema is a help; whatever a version of Pydantic does must not end a build
            return {}

    def _data_pool(self, annotation: object) -> JsonSchema:
        if self._converters.is_optional(annotation):
            return anything('A data pool as {"id": "…", "ref": "DATAPOOL"}. ' + _OR_NONE)
        return {
            "type": "object",
            "description": 'A data pool: {"id": "…", "ref": "DATAPOOL"}.',
            "required": ["id", "ref"],
            "properties": {
                "id": {"type": STRING, "minLength": 1},
                "ref": {"type": STRING, "pattern": _DATA_POOL},
            },
        }


def _primitive(annotation: type) -> JsonSchema:
    if issubclass(annotation, str):
        return anything(_AS_TEXT)
    if issubclass(annotation, bool):
        return anything(_ALWAYS_TRUE)
    return typed("integer" if issubclass(annotation, int) else "number")


def _validates_as_usual(model: type) -> bool:
    """Tell whether ``model_validate_json`` is Pydantic's own."""
    owner = next((cls for cls in model.__mro__ if "model_validate_json" in cls.__dict__), None)
    return owner is not None and owner.__module__.startswith("pydantic.")


def _documented(schema: JsonSchema, parameter: Parameter) -> JsonSchema:
    if "$ref" in schema:
        return schema
    if schema == {"not": {}}:
        return {"not": {}, "description": "Cannot be given: the library converts no value to its annotation."}
    if "title" not in schema:  # A model says itself what it is
        schema = described(schema, f"{type_text(parameter.annotation)}.")
    default = None if parameter.default is Parameter.empty else json_or_none(parameter.default)
    return schema if default is None else {**schema, "default": default}
