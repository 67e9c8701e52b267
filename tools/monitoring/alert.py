"""An alert, and the queries that several of them are made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from serviceexecution.resources.meaning import Meaning, Owner

Severity = Literal["critical", "warning"]
"""`critical`: nothing runs or something is being lost. `warning`: it should be looked at today."""


@dataclass(frozen=True)
class Alert:
    """One rule, and its section on the page of runbooks."""

    name: str
    query: str
    """PromQL; it gives a series for each thing that is wrong."""
    lasting: str
    """How long it has to be so."""
    severity: Severity
    summary: str
    """One sentence, in which Prometheus fills in `{{ $labels.… }}`."""
    meaning: str
    """What stands still and what goes on, for those who have been woken."""
    steps: tuple[str, ...]
    """What to look at and what to do, in this order."""

    @property
    def anchor(self) -> str:
        """The anchor of its section."""
        return self.name.lower()


def grown(counter: str, window: str, by: str) -> str:
    """Return a query of by how much a counter has grown.

    A series that has appeared within the window counts with all that it says: `increase` sees nothing of a counter's
    first value, and most of these counters begin with the first time that something goes wrong.
    """
    return f"sum by ({by}) (({counter} unless {counter} offset {window}) or increase({counter}[{window}]))"


def share_of_errors(counter: str, codes: str) -> str:
    """Return a query of the part of all answers whose code is one of a pattern."""
    failed = f'sum by (namespace) (rate({counter}{{code=~"{codes}"}}[5m]))'
    return f"{failed} / sum by (namespace) (rate({counter}[5m]))"


def of_platform(meanings: Iterable[tuple[StrEnum, Meaning]], left_out: frozenset[StrEnum]) -> str:
    """Return, as a pattern, the reasons about which only the people who run the cluster can do something."""
    return "|".join(
        reason.value
        for reason, meaning in meanings
        if meaning.owner is Owner.PLATFORM and reason not in left_out
    )
