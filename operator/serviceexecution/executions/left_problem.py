"""The words of the problem (RFC 9457) that a failed program has left. Pure."""

import json
from typing import Final

from serviceexecution.resources.meaning import one_line

_MOST_CHARACTERS: Final = 600
"""A message is read in one line of a table."""


def problem_words(text: str | None) -> str | None:
    """Return title and detail of the problem that ``text`` is, None when it is none."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    status = value.get("status", 500)
    if not isinstance(status, int) or status < 400:
        return None  # A result that has such members by chance
    parts = [value[name] for name in ("title", "detail") if isinstance(value.get(name), str)]
    return one_line(": ".join(parts), _MOST_CHARACTERS) or None
