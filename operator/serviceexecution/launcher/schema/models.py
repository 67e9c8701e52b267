"""JSON Schemas of Pydantic's models and typed dictionaries, from their core schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from serviceexecution.launcher.schema.pieces import JsonSchema, described, json_or_none, type_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    CoreSchema = dict[str, Any]
    Maker = Callable[[CoreSchema], JsonSchema]

_WRAPPERS: Final = {"function-after", "function-before", "function-wrap", "nullable", "custom-error"}
_LONGEST_DESCRIPTION: Final = 1000
BY_NAME: Final = ("populate_by_name", "validate_by_name")
"""Settings of a model by which a field with an alias may also have its name."""


def documented(schema: JsonSchema, cls: type) -> JsonSchema:
    """Return the schema of a model with its name and what its docstring says."""
    own = cls.__dict__.get("__doc__")
    text = " ".join(own.split())[:_LONGEST_DESCRIPTION] if isinstance(own, str) else ""
    return described({"title": cls.__name__, **schema}, text)


def fields(
    core: CoreSchema, of: Maker, config: Mapping[str, Any], information: Mapping[str, Any]
) -> JsonSchema:
    """Return the schema of an object with the fields of ``core``, which have Pydantic's FieldInfo by name."""
    properties: dict[str, JsonSchema] = {}
    required: list[str] = []
    choices: list[JsonSchema] = []
    for name, field in core["fields"].items():
        keys = _keys(name, field, core, config)
        info = information.get(name)
        if len(keys) == 1:
            properties[keys[0]] = _documented(of(field["schema"]), info, field["schema"])
        else:  # Which of them counts, and where in it the value is, only Pydantic knows
            properties |= {
                key: _documented({}, info, field["schema"]) for key in keys if key not in properties
            }
        if has_default(field["schema"]) or not field.get("required", core.get("total", True)):
            continue
        if len(keys) == 1:
            required.append(keys[0])
        elif keys:
            choices.append({"anyOf": [{"required": [key]} for key in keys]})
    schema: JsonSchema = {"type": "object"}
    if properties:
        schema["properties"] = properties
    if required:
        schema["required"] = list(dict.fromkeys(required))
    if choices:
        schema["allOf"] = choices
    behavior = core.get("extra_behavior") or config.get("extra_fields_behavior")
    if behavior == "forbid":
        schema["additionalProperties"] = False
    return schema


def has_default(core: CoreSchema) -> bool:
    """Tell whether a value may be left out, as far as that can be seen."""
    kind = core["type"]
    return kind == "default" or (kind in _WRAPPERS and has_default(core["schema"]))


def _keys(name: str, field: CoreSchema, core: CoreSchema, config: Mapping[str, Any]) -> list[str]:
    """Return the members of the object in which the field may be."""
    alias = field.get("validation_alias")
    if alias is None:
        return [name]
    if isinstance(alias, str):
        keys = [alias]
    else:
        paths = [alias] if alias and not isinstance(alias[0], list) else alias
        keys = [path[0] for path in paths if path and isinstance(path[0], str)]
        keys = keys if all(len(path) == 1 for path in paths) and len(keys) == 1 else [*keys, ""]
    by_name = any(part.get(setting) for part in (core, config) for setting in BY_NAME)
    by_alias = config.get("validate_by_alias")
    if by_name or by_alias is False:
        keys.append(name)
    unique = list(dict.fromkeys(key for key in keys if key))
    # More than one key, so that nothing is said of the value
    return unique if "" not in keys or len(unique) > 1 else [*unique, name]


def _documented(schema: JsonSchema, info: object, core: CoreSchema) -> JsonSchema:
    title, description = getattr(info, "title", None), getattr(info, "description", None)
    if "$ref" in schema:
        return schema
    annotation = getattr(info, "annotation", None)
    shown = f"{type_text(annotation)}." if annotation is not None and "title" not in schema else ""
    text = description[:_LONGEST_DESCRIPTION] if isinstance(description, str) else ""
    schema = dict(described(schema, shown, text))
    if isinstance(title, str):
        schema["title"] = title
    if isinstance(examples := getattr(info, "examples", None), list):
        usable = [found for example in examples if (found := json_or_none(example)) is not None]
        schema |= {"examples": usable[:8]} if usable else {}
    if core["type"] == "default" and (default := json_or_none(core.get("default"))) is not None:
        schema["default"] = default
    return schema
