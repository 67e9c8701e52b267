"""Durations as users write them: ``1h30m``, ``90s``, ``500ms``, or whole seconds.

Source: the duration of the Kubernetes Gateway API (GEP-2257), a subset of Go's that every language can parse,
with longer numbers, so that ``604800s`` works, and with a bare number of seconds.
"""

import re
from typing import Final

DURATION_PATTERN: Final = r"^([0-9]{1,9}|([0-9]{1,9}(h|m|s|ms)){1,4})$"
"""For the CRD's schema: the same form that ``parse_duration`` takes."""

MAX_DURATION_SECONDS: Final = 2**31 - 1
"""Kubernetes counts a Job's deadline in signed 64-bit seconds, many of its tools in 32; 68 years are enough.
"""

_FORM: Final = re.compile(DURATION_PATTERN.removeprefix("^").removesuffix("$") + r"\Z")
_PART: Final = re.compile(r"([0-9]+)(ms|h|m|s)")
_MILLISECONDS: Final = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


class DurationError(ValueError):
    """The text is no duration; the message says the allowed form."""


def parse_duration(value: str | int, *, field: str = "the duration") -> float:
    """Seconds of ``1h30m``, ``90s``, ``500ms``, ``3600`` or ``"3600"``. Exact to the millisecond.

    Raises ``DurationError`` that names ``field``.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise DurationError(_refusal(field, value))
    text = str(value)
    if _FORM.match(text) is None:
        raise DurationError(_refusal(field, value))
    if text.isdecimal():
        total = int(text) * 1000
    else:
        total = sum(int(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(text))
    if total > MAX_DURATION_SECONDS * 1000:
        raise DurationError(f"{field} is longer than the longest duration, {MAX_DURATION_SECONDS} seconds.")
    return total / 1000


def format_duration(seconds: float) -> str:
    """Shortest text of a duration ≥ 0, that ``parse_duration`` reads back to the millisecond: ``1h30m``,
    ``0s``."""
    rest = round(seconds * 1000)
    parts: list[str] = []
    for unit, size in _MILLISECONDS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _refusal(field: str, value: object) -> str:
    shown = repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:40]}…"
    return (
        f"{field} must be a duration such as 1h30m, 90s, 500ms or a whole number of seconds, but is {shown}."
    )
