"""LOG_LEVEL as the libraries take it: other values than five end them at their start."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Final

VARIABLE: Final = "LOG_LEVEL"
LEVELS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
"""What both logging and loguru know, with logging's numbers. The libraries also take them in lower case."""

_DEFAULT: Final = "INFO"
_NEAREST: Final = {
    "ALL": "DEBUG",
    "NOTSET": "DEBUG",
    "TRACE": "DEBUG",
    "VERBOSE": "DEBUG",
    "SUCCESS": "INFO",
    "NOTICE": "INFO",
    "WARN": "WARNING",
    "ERR": "ERROR",
    "SEVERE": "ERROR",
    "ALERT": "CRITICAL",
    "CRIT": "CRITICAL",
    "EMERGENCY": "CRITICAL",
    "FATAL": "CRITICAL",
    "NONE": "CRITICAL",
    "OFF": "CRITICAL",
    "PANIC": "CRITICAL",
}


def nearest(text: str) -> str:
    """Return the level that ``text`` means most likely, INFO when it means nothing known."""
    word = text.strip().upper()
    if word in LEVELS:
        return word
    if word.isdecimal() and word.isascii():
        number = int(word[:4])
        return min(LEVELS, key=lambda level: abs(LEVELS[level] - number))
    return _NEAREST.get(word, _DEFAULT)


def correct(environment: MutableMapping[str, str]) -> str | None:
    """Put a level that the libraries take in the place of another; returns a sentence when it did."""
    given = environment.get(VARIABLE)
    if given is None or given.upper() in LEVELS:
        return None
    level = nearest(given)
    environment[VARIABLE] = level
    return f"{VARIABLE} is {given[:40]!r}, which is none of {', '.join(LEVELS)}: {level} is used."
