"""What became of the runs of a scenario."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True)
class Tally:
    """Counts runs by what was done to them."""

    scenario: str
    writes: int = 0
    """Of an undisturbed run."""
    struck: int = 0
    missed: int = 0
    """Runs whose write was never made, so that nothing was struck."""
    in_the_past: int = 0
    """Runs whose controller started with lists of the past."""
    events: int = 0
    """Runs in which an event was dropped, doubled or late."""
    seconds: float = 0
    wrong: list[str] = field(default_factory=list)

    def take(self, other: "Tally") -> None:
        """Count the other's runs too."""
        self.struck += other.struck
        self.missed += other.missed
        self.in_the_past += other.in_the_past
        self.events += other.events
        self.wrong += other.wrong

    @classmethod
    def sum_of(cls, tallies: Iterable[Self]) -> Self:
        """Return all in one."""
        whole = cls("all")
        for one in tallies:
            whole.take(one)
            whole.writes += one.writes
            whole.seconds += one.seconds
        return whole
