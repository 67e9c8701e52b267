"""Takes the values of secrets out of what the launcher writes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

MARK: Final = "[redacted]"
SECRET_PREFIX: Final = "SECRET_"  # noqa: S105 - the beginning of a variable's name
SHORTEST: Final = 4
"""Fewest characters of a value that is taken out: replacing shorter ones would make any text unreadable."""


class Redaction:
    """The secrets of a run, as they were when it started: the program may remove their variables."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        values = {
            value
            for name, value in environment.items()
            if name.startswith(SECRET_PREFIX) and len(value) >= SHORTEST
        }
        shown = {repr(value)[1:-1] for value in values}
        self._values = sorted(values | shown, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return ``text`` without the secrets."""
        for value in self._values:
            text = text.replace(value, MARK)
        return text

    def member(self, value: object) -> object:
        """Return a JSON value with no secret in any of its texts."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.member(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.member(item) for item in value]
        return value
