"""What the values of an enumeration are in JSON."""

from __future__ import annotations

from enum import Enum, EnumMeta, Flag
from typing import Any, Final

from serviceexecution.launcher.schema.pieces import JsonSchema, anything

_MOST: Final = 256


def by_value_or_name(enumeration: type[Enum]) -> JsonSchema:
    """Return the schema of what the libraries turn into a member: its value or its name."""
    values = _plain_values(enumeration)
    if values is None:
        return anything(f"A value or a name of the enumeration {enumeration.__name__}.")
    numbers = {value for value in values if isinstance(value, (int, float))}
    # Python finds 1 by true, JSON Schema does not
    truths = [truth for truth in (True, False) if truth in numbers]
    allowed = [*values, *enumeration.__members__, *truths]
    return {"enum": [value for number, value in enumerate(allowed) if not _among(value, allowed[:number])]}


def text_values(enumeration: type[Enum]) -> list[str] | None:
    """Return the values when all are texts and nothing else makes a member; None when that is not sure."""
    values = _plain_values(enumeration)
    if values is None:
        return None
    texts = [value for value in values if isinstance(value, str)]
    return texts if len(texts) == len(values) else None


def _plain_values(enumeration: type[Enum]) -> list[Any] | None:
    if type(enumeration) is not EnumMeta or issubclass(enumeration, Flag):
        return None
    if getattr(enumeration._missing_, "__func__", None) is not Enum._missing_.__func__:  # type: ignore[attr-defined]
        return None  # It makes members of what it likes
    values = [member.value for member in enumeration]
    values += list(getattr(enumeration, "_value2member_map_", {}))
    if not values or len(values) > _MOST or any(type(value) not in {str, int} for value in values):
        return None
    return values


def _among(value: object, others: list[Any]) -> bool:
    return any(type(other) is type(value) and other == value for other in others)
