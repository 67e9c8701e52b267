"""Small pieces that schemas are put together from."""

from __future__ import annotations

import re
from inspect import formatannotation
from typing import Any, Final

JsonSchema = dict[str, Any]
"""A schema as JSON; ``{}`` takes every value."""

STRING: Final = "string"
_LONGEST_TYPE: Final = 160


def anything(description: str = "") -> JsonSchema:
    """Return the schema of every value."""
    return {"description": description} if description else {}


def takes_anything(schema: JsonSchema) -> bool:
    """Tell whether nothing in ``schema`` refuses a value."""
    return not schema.keys() - {"description", "title", "default", "examples"}


def any_of(choices: list[JsonSchema]) -> JsonSchema:
    """Return the schema of what one of ``choices`` takes."""
    if not choices:
        return {"not": {}}
    if any(takes_anything(choice) for choice in choices):
        return {}
    different = [choice for number, choice in enumerate(choices) if choice not in choices[:number]]
    if all(choice.keys() == {"type"} for choice in different):
        types: list[str] = []
        for choice in different:
            given = choice["type"] if isinstance(choice["type"], list) else [choice["type"]]
            types += [name for name in given if name not in types]
        return typed(*types)
    return different[0] if len(different) == 1 else {"anyOf": different}


def typed(*types: str) -> JsonSchema:
    """Return the schema of all values of the JSON types."""
    return {"type": types[0] if len(types) == 1 else list(types)}


def described(schema: JsonSchema, *sentences: str) -> JsonSchema:
    """Return ``schema`` with the sentences that are not empty before its own description."""
    said = " ".join(sentence for sentence in (*sentences, str(schema.get("description", ""))) if sentence)
    return {**schema, "description": said} if said else schema


def type_text(annotation: object) -> str:
    """Return an annotation as one writes it, without the modules of its names."""
    text = formatannotation(annotation)
    if "'" not in text and '"' not in text:
        text = re.sub(r"(?:[^\W\d]\w*\.)+(?=[^\W\d])", "", text)
    text = text.replace("typing.", "")
    return text if len(text) <= _LONGEST_TYPE else f"{text[: _LONGEST_TYPE - 1]}…"


def json_or_none(value: object) -> object:
    """Return ``value`` when it is JSON as it stands, else None."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if type(value) is int:
        return value if abs(value) < 2**53 else None
    if type(value) is float:
        return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124 - NaN
    if isinstance(value, (list, tuple)):
        items = [json_or_none(item) for item in value]
        return items if len(items) <= 32 and None not in items else None
    if isinstance(value, dict):
        members = {name: json_or_none(item) for name, item in value.items()}
        names = all(isinstance(name, str) for name in members)
        return members if names and len(members) <= 32 and None not in members.values() else None
    return None
