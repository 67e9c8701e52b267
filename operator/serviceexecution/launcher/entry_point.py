"""The entry point ``module:function`` as the libraries resolve it."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Final

VARIABLE: Final = "ENTRYPOINT"
DEFAULT: Final = "user_code.src.program:run"


class EntryPointError(Exception):
    """There is no such function. The message is one sentence."""


def split(entry_point: str) -> tuple[str, str]:
    """Return module and function; raises EntryPointError."""
    module, _, function = entry_point.partition(":")
    if not module or not function or ":" in function:
        raise EntryPointError(
            f"The entry point {entry_point!r} is not of the form module:function, such as {DEFAULT}."
        )
    return module, function


def import_program(module: str) -> ModuleType:
    """Import the module of an entry point.

    Raises EntryPointError when there is no such module, and whatever the module itself raises.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module == missing or module.startswith(f"{missing}."):
            raise EntryPointError(
                f"There is no module {missing}, in which the entry point is looked for; "
                f"a project has the file src/program.py with a function run()."
            ) from error
        raise


def function_of(module: ModuleType, function: str) -> Callable[..., object]:
    """Return the function; raises EntryPointError."""
    try:
        found = getattr(module, function)
    except AttributeError as error:
        raise EntryPointError(
            f"The module {module.__name__} has no function {function}(), which the entry point names."
        ) from error
    if not callable(found):
        raise EntryPointError(f"{function} in the module {module.__name__} is a value, not a function.")
    return found  # type: ignore[no-any-return]
