"""Whether a library can call ``run()``: its parameters against the library's own converters."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from inspect import Parameter, Signature
from types import UnionType
from typing import TYPE_CHECKING, Final, get_args, get_origin

from serviceexecution.launcher.check.annotations import conversion_fault
from serviceexecution.launcher.check.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from serviceexecution.launcher.converters import Converters

_VARIADIC: Final = {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}


@dataclass(frozen=True, slots=True)
class Checked:
    """``fault`` says why the function cannot work, None when it can; ``notes`` what a caller cannot do."""

    fault: str | None
    notes: tuple[str, ...] = ()


def signature_fault(
    function: Callable[..., object],
    signature: Signature,
    converters: Converters,
    places: Places | None = None,
) -> Checked:
    """Check the function. What the library can call is right, even if some parameter can never be given."""
    places = places or Places(None)
    name = getattr(function, "__name__", "run")
    if (odd := _odd_kind(function)) is not None:
        return Checked(f"{places.of_function(function)}{name}() is {odd}")
    notes: list[str] = []
    for parameter in signature.parameters.values():
        at = places.of_parameter(function, parameter.name)
        for text, hopeless in _faults(parameter, converters):
            sentence = f'{at}The parameter "{parameter.name}" of {name}() {text}.'
            if hopeless:
                return Checked(sentence, tuple(notes))
            notes.append(sentence)
    return Checked(None, tuple(notes))


def _odd_kind(function: Callable[..., object]) -> str | None:
    plain = inspect.isroutine(function) or inspect.isclass(function)
    called = [function] if plain else [function, type(function).__call__]
    if any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in called):
        return "async, and the library does not await it; write def, and asyncio.run(…) inside."
    if any(inspect.isgeneratorfunction(one) for one in called):
        return "a generator because of its yield, and the library does not iterate over it; return a list."
    return None


def _faults(parameter: Parameter, converters: Converters) -> Iterator[tuple[str, bool]]:
    """Yield what is wrong, and whether the function can therefore not work."""
    annotation = parameter.annotation
    if parameter.kind is Parameter.POSITIONAL_ONLY:
        yield (
            "is positional-only, and the library passes it by its name; remove the / from the parameters",
            True,
        )
        return
    if converters.is_secret(annotation) or converters.is_data_pool(annotation):
        return
    if parameter.kind is Parameter.VAR_POSITIONAL:
        yield f"takes nothing: the library passes arguments by name; remove *{parameter.name}", False
        return
    fault = conversion_fault(annotation, converters)
    if fault is None:
        return
    if parameter.kind in _VARIADIC:
        yield f"takes nothing: the library passes only parameters by name; remove **{parameter.name}", False
        return
    lost = _never_arrives(annotation, converters)
    if lost or isinstance(annotation, str):
        yield f"{fault}{'; its values would be lost without a word' if lost else ''}", True
    elif parameter.default is Parameter.empty:
        yield fault, True
    else:
        yield f"can only have its default: it {fault}", False


def _never_arrives(annotation: object, converters: Converters) -> bool:
    """Tell whether a value is lost without an error: an Optional that becomes None, a secret or pool not seen."""
    if converters.is_optional(annotation):
        return True
    if get_origin(annotation) is not UnionType:
        return False
    return any(
        converters.is_secret(choice) or converters.is_data_pool(choice) for choice in get_args(annotation)
    )
