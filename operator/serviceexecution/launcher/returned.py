"""Return values of ``run()`` that hold no result, of which the library would write only the name of their kind."""

from __future__ import annotations


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
