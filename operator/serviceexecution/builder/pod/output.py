"""The build's log: lines on standard output, without the values of secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Final

MASK: Final = "***"
_SHORTEST: Final = 4
"""Shorter values are not masked: they would hide ordinary text, and keep no secret."""
_SHORTEST_LINE: Final = 8
"""Of a value with several lines: a file of settings has many short words in it."""
_STANDARD_OUTPUT: Final = 1
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


class Output:
    """Writes lines at once. Values that were given to ``hide`` are written as ``***``."""

    def __init__(self, descriptor: int = _STANDARD_OUTPUT) -> None:
        self._descriptor = descriptor
        self._hidden: tuple[str, ...] = ()

    def hide(self, values: Iterable[str]) -> None:
        """Mask these values from now on, and the lines of those that have several."""
        found = set(self._hidden)
        for value in values:
            lines = value.splitlines() if "\n" in value.strip() else []
            found |= {one for one in (value, value.strip()) if len(one) >= _SHORTEST}
            found |= {line.strip() for line in lines if len(line.strip()) >= _SHORTEST_LINE}
        # The longest first, so that no part of one stays
        self._hidden = tuple(sorted(found, key=lambda value: (-len(value), value)))

    def masked(self, text: str) -> str:
        """Return the text without the hidden values."""
        for value in self._hidden:
            if value in text:
                text = text.replace(value, MASK)
        return text

    def line(self, text: str) -> str:
        """Write a line of a program that ran, and return it as written."""
        text = self.masked(_CONTROL.sub("", text))
        data = text.encode("utf-8", "backslashreplace") + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]
        return text

    def phase(self, phase: str, text: str) -> None:
        """Write a line of the builder's own."""
        self.line(f"{phase}: {text}")


def size_text(size: int) -> str:
    """Return a number of bytes in words, such as 1.5 MiB."""
    if size < 1024:
        return f"{size} bytes"
    value = float(size)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1024 or unit == "GiB":
            return f"{value:.1f} {unit}"
    raise AssertionError
