"""Which write meets which fault."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Strike(StrEnum):
    """What happens to the process that writes, or to its request."""

    KILLED_BEFORE = "killed before"
    """The process ends, and the write was not sent."""
    KILLED_AFTER = "killed after"
    """The write has happened, and the process ends before it knows."""
    ANSWER_LOST = "answer lost"
    """The write has happened, and the process is told that nobody answered."""
    REQUEST_LOST = "request lost"
    """The write has not happened, and the process is told that nobody answered."""


KILLS: Final = frozenset({Strike.KILLED_BEFORE, Strike.KILLED_AFTER})


@dataclass(frozen=True, slots=True)
class Write:
    """One write of one process, told from others by what it writes and by how often that was written before."""

    process: str
    what: str
    number: int

    def __str__(self) -> str:
        return f"{self.process}: {self.what} #{self.number}"


@dataclass(slots=True)
class FaultPlan:
    """Counts the writes of a run, and strikes at one of them."""

    at: Write | None = None
    strike: Strike | None = None
    writes: list[Write] = field(default_factory=list)
    struck: bool = False
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _soon: dict[str, tuple[int, Strike]] = field(default_factory=dict)

    def strike_soon(self, process: str, after: int, strike: Strike) -> None:
        """Strike at a write of a process, after so many others of it."""
        self._soon[process] = after, strike

    def forget(self) -> None:
        """Strike no more."""
        self._soon.clear()

    def meet(self, process: str, what: str) -> Strike | None:
        """Note a write that is about to be made; return what happens to it."""
        self._counts[process, what] += 1
        write = Write(process, what, self._counts[process, what])
        self.writes.append(write)
        if process in self._soon:
            left, strike = self._soon.pop(process)
            if left == 0:
                return strike
            self._soon[process] = left - 1, strike
        if self.struck or write != self.at:
            return None
        self.struck = True
        return self.strike
