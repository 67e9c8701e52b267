"""What the libraries write for the return annotation of ``run()``."""

from __future__ import annotations

import dataclasses
from enum import Enum
from types import UnionType
from typing import TYPE_CHECKING, Final, Union, get_args, get_origin, is_typeddict

from serviceexecution.launcher.schema.pieces import JsonSchema, described, type_text, typed

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_ARRAYS: Final = (list, tuple)
_MOST_CHOICES: Final = 16


def output(annotation: object) -> JsonSchema | None:
    """Return the schema of ``output.json``; None when there may be no such file, or anything may be in it.

    The library writes a text, a number or a truth to ``output.txt``, and nothing for None.
    """
    if get_origin(annotation) in {Union, UnionType}:
        choices = [output(choice) for choice in get_args(annotation)[:_MOST_CHOICES]]
        types = [choice["type"] for choice in choices if choice is not None]
        # One of several models: an object, but with the properties of which of them?
        return typed(types[0]) if len(types) == len(choices) and len(set(types)) == 1 else None
    origin = get_origin(annotation)
    cls = annotation if origin is None else origin
    if not isinstance(cls, type) or issubclass(cls, (str, int, float, Enum, type(None))):
        return None
    if cls in {bytes, bytearray}:
        return described(typed("string"), "The bytes as Python writes them, such as b'ab'.")
    if issubclass(cls, _ARRAYS):
        return described(typed("array"), f"{type_text(annotation)}.")
    if issubclass(cls, dict) or is_typeddict(cls):
        return described(typed("object"), f"{type_text(annotation)}.")
    if (fields := getattr(cls, "model_fields", None)) is not None and hasattr(cls, "model_dump_json"):
        return _model(cls, fields)
    if dataclasses.is_dataclass(cls) and not hasattr(cls, "__slots__"):
        return described(typed("object"), f"{cls.__name__}.")
    return None


def _model(cls: type, fields: dict[str, FieldInfo]) -> JsonSchema | None:
    if getattr(cls, "__pydantic_root_model__", False) or _serializes_itself(cls):
        return None
    properties = {name: _field(field) for name, field in fields.items() if not field.exclude}
    own = cls.__dict__.get("__doc__")
    schema: JsonSchema = {"title": cls.__name__, "type": "object"}
    if properties:
        schema["properties"] = properties
    return described(schema, " ".join(own.split()) if isinstance(own, str) else "")


def _field(field: FieldInfo) -> JsonSchema:
    """Describe a field. Its values are not held to its type: models take any at an assignment."""
    text = field.description if isinstance(field.description, str) else ""
    return described({}, f"{type_text(field.annotation)}.", text[:1000])


def _serializes_itself(cls: type) -> bool:
    """Tell whether the model's JSON may be anything: it has a serializer for all of it."""
    decorators = getattr(cls, "__pydantic_decorators__", None)
    own = next((base for base in cls.__mro__ if "model_dump_json" in base.__dict__), None)
    usual = own is not None and own.__module__.startswith("pydantic.")
    return not usual or bool(getattr(decorators, "model_serializers", None))
