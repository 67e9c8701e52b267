"""Return values of ``run()`` that hold no result, of which the library would write only the name of their kind."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_MOST_VALUES: Final = 100_000
"""Values of a result that are looked at."""
_JSON: Final = (str, int, float, type(None))
_SAY_ALL: Final = {"datetime", "decimal", "fractions", "ipaddress", "pathlib", "uuid"}
"""Modules of types whose text says all that there is."""


class NoResultError(TypeError):
    """What ``run()`` returned is no result. The message is one sentence, and says what to return."""


def refuse_what_is_no_result(value: object) -> None:
    """Raise NoResultError for what has still to be awaited, iterated over or read."""
    kind = type(value)
    bare = not hasattr(value, "__dict__")  # Of other objects the library writes the attributes
    if bare and hasattr(kind, "__await__"):
        what, instead = "has to be awaited", "write def run(…), and return asyncio.run(…) of it"
    elif bare and (hasattr(kind, "__anext__") or hasattr(kind, "__next__")):
        what, instead = "has to be iterated over", "return a list of what it gives"
    elif kind.__module__ == "_io":
        what, instead = "is an open file", "return its content, or write it below the output directory"
    else:
        return
    if kind.__name__ == "coroutine":
        value.close()  # type: ignore[attr-defined]  # Else the log blames the library: "was never awaited"
    raise NoResultError(f"run() returned a {kind.__name__}, which {what} and is no result yet; {instead}.")


def kind_written_as_text(value: object) -> str | None:
    """Return the first type in a result of which the library writes the text, as `{1, 2}` of a set; None without one.

    An array's text leaves out most of a thousand values.
    """
    rest, seen = [value], 0
    while rest and seen < _MOST_VALUES:
        one = rest.pop()
        seen += 1
        kind = type(one)
        if isinstance(one, dict):
            rest.extend(one.values())
        elif isinstance(one, (list, tuple)):
            rest.extend(one[: _MOST_VALUES - seen])
        elif not isinstance(one, _JSON) and not hasattr(one, "__dict__") and kind.__module__ not in _SAY_ALL:
            return (
                kind.__qualname__
                if kind.__module__ == "builtins"
                else f"{kind.__module__}.{kind.__qualname__}"
            )
    return None
