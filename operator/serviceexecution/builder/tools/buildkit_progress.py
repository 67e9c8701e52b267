"""Which lines of BuildKit's plain progress are worth a line of the build's log. Pure but for its memory."""

from __future__ import annotations

import re
from typing import Final

_STEP: Final = re.compile(r"#(\d+) (.*)")
_HIDDEN: Final = re.compile(
    r"importing cache manifest |\[internal\] load (metadata|\.dockerignore|build definition)"
)
# States that a later line with "done" repeats
_UNFINISHED: Final = re.compile(
    r"#\d+ (sha256:|extracting |transferring |exporting (layers|manifest|config)|resolve "
    r"|(pushing|sending|writing|preparing) )(?!.*done$)|#\d+ \.\.\.$"
)
_BLOCK: Final = re.compile(r" > (importing cache manifest|exporting cache)")
_RULE: Final = "------"


class ProgressFilter:
    """Leaves out what says nothing to people: the start of each call, steps that ``known`` has from an earlier call,
    a cache that is not there yet (which looks like an error and is none). Errors stay."""

    def __init__(self, known: set[str]) -> None:
        self._known = known
        self._shown: dict[str, bool] = {}
        self._held: list[str] = []
        self._in_cache_block = False

    def take(self, line: str) -> list[str]:
        """Return the lines that are to be shown now."""
        if found := _STEP.fullmatch(line):
            number, text = found.groups()
            if _UNFINISHED.match(line) or (text.startswith("[") and number in self._shown):
                return []
            if number not in self._shown:
                self._shown[number] = self._is_shown(text)
            show = self._shown[number] or (text.startswith("ERROR:") and "cache" not in text)
            return self._flush([line] if show else [])
        if line == _RULE:
            if self._in_cache_block:
                self._in_cache_block = False
                return []
            self._held = [*self._held, line]
            return self._flush([]) if len(self._held) > 1 else []
        if self._held and _BLOCK.match(line):
            self._held, self._in_cache_block = [], True
            return []
        return [] if self._in_cache_block or (not line and not self._held) else self._flush([line])

    def _flush(self, lines: list[str]) -> list[str]:
        held, self._held = self._held, []
        return held + lines

    def _is_shown(self, text: str) -> bool:
        if _HIDDEN.match(text) or text in self._known:
            return False
        if text.startswith("["):
            self._known.add(text)
        return True
