"""When a controller was there to see, with all that outputs and logs need: waiting for them counts only then. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which the store or the gateway was away."""

    start: datetime
    end: datetime


def united(outages: Iterable[Outage]) -> tuple[Outage, ...]:
    """Return the times that are in any of ``outages``, in order, and none overlaps another."""
    found: list[Outage] = []
    for one in sorted(outages, key=lambda outage: outage.start):
        if found and one.start <= found[-1].end:
            found[-1] = Outage(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Attendance:
    """``since``: when this controller began to look. ``outages`` are in order, and none overlaps another."""

    since: datetime = _ALWAYS
    outages: tuple[Outage, ...] = ()

    def begin(self, since: datetime) -> datetime:
        """Return ``since``, or when this controller began to look if that was later."""
        return max(since, self.since)

    def seconds(self, since: datetime, now: datetime) -> float:
        """Return the seconds from ``since`` to ``now`` in which all was there; negative when ``since`` is ahead."""
        begin = self.begin(since)
        away = sum(
            max(0.0, (min(one.end, now) - max(one.start, begin)).total_seconds()) for one in self.outages
        )
        return (now - begin).total_seconds() - away
