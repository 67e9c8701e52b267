"""Why a library makes no value for an annotation, and what to write instead."""

from __future__ import annotations

import dataclasses
from inspect import Parameter
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar, get_args, get_origin

from serviceexecution.launcher.schema.pieces import type_text

if TYPE_CHECKING:
    from serviceexecution.launcher.converters import Converters

_CONTAINERS: Final = {"TupleTypeConverter", "SetTypeConverter", "ListTypeConverter", "TypedDictConverter"}
_KNOWN: Final = "dict, list, str, int, float, bool, Any, an Enum or a Pydantic model"


def conversion_fault(annotation: object, converters: Converters) -> str | None:
    """Return why no value is converted to ``annotation``, as the rest of a sentence; None when one may be.

    An Optional[X] with such an X counts: the library makes None of every value.
    """
    handler = converters.handler(annotation)
    if not handler:
        return _advice(annotation, converters)
    arguments = get_args(annotation)
    if handler == "UnionTypeConverter":
        choices = [choice for choice in arguments if choice is not type(None)]
        faults = [conversion_fault(choice, converters) for choice in choices]
        return None if None in faults else faults[0]
    if handler in _CONTAINERS:
        inner = [argument for argument in arguments if argument is not Ellipsis]
        return next((found for item in inner if (found := conversion_fault(item, converters))), None)
    return None


def _advice(annotation: object, converters: Converters) -> str:
    if annotation is Parameter.empty:
        return "has no annotation; write one of dict, list, str, int, float, bool, Any or a Pydantic model"
    if isinstance(annotation, str):
        return (
            "has an annotation that is only a text; remove `from __future__ import annotations` from the file, "
            "or the quotes"
        )
    unknown = (
        f"has the annotation {type_text(annotation)}, which {converters.library}-commons does not convert"
    )
    return f"{unknown}; write {_instead(annotation)}"


def _instead(annotation: object) -> str:
    origin = get_origin(annotation)
    if origin is UnionType:
        return "Optional[…] or Union[…] from typing, it does not know X | Y"
    if origin is Literal:
        return "an Enum, or the type of the values"
    if origin is Annotated:
        return f"{type_text(get_args(annotation)[0])}, or a Pydantic model with such a field"
    if annotation is object:
        return "Any from typing"
    if annotation is tuple:
        return "Tuple or tuple[…]"
    if annotation is None or annotation is type(None):
        return "the type of the value"
    if isinstance(annotation, TypeVar) or hasattr(annotation, "__supertype__"):
        return "the type that it stands for"
    if dataclasses.is_dataclass(annotation):
        return "a Pydantic model"
    if isinstance(origin, type) and origin.__module__ == "collections.abc":
        return "Dict[…] or List[…]"
    return _KNOWN
