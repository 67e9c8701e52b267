"""Whether a log's file has lines between those that are known. Pure."""

from array import array
from dataclasses import dataclass
from typing import Final

_SEARCHED_LINES: Final = 100
"""So many lines at a new file's beginning are looked for among the known ones: each look goes through all of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where lines are missing: the known lines around it, b"" when there is none."""

    after: bytes
    before: bytes


class LeftOut:
    """Compares a file, read from its beginning, with all lines that are known, in their order."""

    def __init__(self, known: "array[int]", *, torn: bool) -> None:
        """``known`` are hashes; ``torn`` says that the file may begin within a line."""
        self._known = known
        self._next: int | None = None
        self._searched = 0
        self._unknown = 0
        self._allowed = int(torn)
        self._newest = b""
        self._place: Place | None = None

    def read(self, block: bytes) -> None:
        """Take the file's next whole lines."""
        for line in block.split(b"\n")[:-1]:
            if not self._comes_next(hash(line)):
                self._unknown += 1
                continue
            if self._unknown > self._allowed:
                self._place = Place(self._newest if self._place is None else self._place.after, line)
            self._newest, self._unknown, self._allowed = line, 0, 0

    @property
    def place(self) -> Place | None:
        """From the first place where lines are missing to the last one; None when all are known.

        Unknown lines at the file's end are not meant: those are still to be read.
        """
        if self._next is None and self._unknown <= self._allowed:
            return None
        if self._place is None and self._next != len(self._known):
            return Place(self._newest, b"")
        return self._place

    def _comes_next(self, line: int) -> bool:
        if self._next is None:
            if self._searched == _SEARCHED_LINES:
                return False
            self._searched += 1
            try:
                self._next = self._known.index(line)
            except ValueError:
                return False
        if self._next == len(self._known) or self._known[self._next] != line:
            return False
        self._next += 1
        return True
