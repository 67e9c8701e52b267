"""The problem (RFC 9457) that a failed run leaves as its main result."""

from __future__ import annotations

import json
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    Problem = dict[str, Any]

MAIN_RESULT: Final = "output.json"
BESIDE: Final = "problem.json"
"""Where the problem goes when the program has written a main result of its own."""

_MEMBERS: Final = ("type", "title", "status", "detail")
_LONGEST: Final = 1024 * 1024
_LONGEST_DETAIL: Final = 64 * 1024
"""Characters. A problem of more than a megabyte is not read by the operator."""


def problem_of(error: BaseException) -> Problem:
    """Return the problem as qhub-commons builds it: title is the exception's class, detail its text."""
    return with_first_of_group(_as_the_library_has_it(error), error)


def with_first_of_group(problem: Problem, error: BaseException) -> Problem:
    """Return the problem with the first exception of a group, whose own text says only how many there are."""
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    detail = problem.get("detail")
    if first is error or not isinstance(detail, str):
        return problem
    # Cut only where secrets have been taken out: half of one would stay
    text = ": ".join(part for part in (type(first).__name__, _text(first)) if part)
    return {**problem, "detail": f"{detail}; the first is {text}"}


def _as_the_library_has_it(error: BaseException) -> Problem:
    if isinstance(error, SystemExit):
        return _problem("SystemExit", _exit_detail(error))
    own = sys.modules.get("qhub.commons.runtime.error")  # What HandlerError says beyond its text
    if own is not None:
        try:
            built: Problem = own.build_problem_details(error)
            json.dumps(built)
        except BaseException:  # noqa: BLE001 - members that are no JSON, or a __str__ that raises
            handled = type(error).__name__ == "HandlerError"
            title, detail = getattr(error, "title", None), getattr(error, "detail", None)
            if handled and isinstance(title, str) and isinstance(detail, str):
                return _problem(title, detail)
        else:
            return built
    title = type(error).__name__
    return _problem(title, _text(error) or title)


def unknown_problem(exit_code: int) -> Problem:
    """Return the problem of a library that says only that it failed."""
    return _problem("ProgramFailed", f"The program ended with exit code {exit_code}; its log says why.")


def of_bounded_length(problem: Problem) -> Problem:
    """Return the problem with a detail that others read: an exception's text may have any length."""
    detail = problem.get("detail")
    if not isinstance(detail, str) or len(detail) <= _LONGEST_DETAIL:
        return problem
    return {**problem, "detail": f"{detail[:_LONGEST_DETAIL]}…"}


def leave(problem: Problem, directory: str) -> str | None:
    """Write the problem as the main result; returns the file's name, None when it could not be written.

    A main result that the program has written stays as it is: it may hold results. The problem then goes
    beside it, unless that main result is a problem itself: so a program, or its library, says best what failed.
    """
    main = os.path.join(directory, MAIN_RESULT)  # noqa: PTH118 - pathlib costs start-up time
    beside = os.path.join(directory, BESIDE)  # noqa: PTH118
    problem = of_bounded_length(problem)
    try:
        os.makedirs(directory, exist_ok=True)  # noqa: PTH103
        if not _is_taken(main):
            _write(main, problem, "w")
            return MAIN_RESULT
        if shows_problem(main):
            return MAIN_RESULT
        _write(beside, problem, "x")
    except OSError:
        return None
    return BESIDE


def shows_problem(path: str) -> bool:
    """Tell whether the file is a problem: its JSON has all of the members that we write."""
    try:
        found = os.stat(path)  # noqa: PTH116
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LONGEST:
            return False
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            value = json.load(file)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and all(member in value for member in _MEMBERS)


def _is_taken(path: str) -> bool:
    """Tell whether anything but an empty file is at ``path``."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(found.st_mode) or found.st_size > 0


def _write(path: str, problem: Problem, mode: str) -> None:
    text = json.dumps(problem, indent=2)
    with open(path, mode, encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)


def _problem(title: str, detail: str) -> Problem:
    return {"type": "about:blank", "status": 500, "title": title, "detail": detail}


def _exit_detail(error: SystemExit) -> str:
    if isinstance(error.code, int):
        return f"The program ended itself with exit code {_text(int(error.code)) or 'of too many digits'}."
    return _text(error.code) or "The program ended itself with exit code 1, and says nothing more."


def _text(value: object) -> str:
    try:
        return str(value)
    except BaseException:  # noqa: BLE001 - any class may have a __str__ that raises, also SystemExit
        return ""
