"""What a collector says that main has used: a tenant's claim, held to bounds, and shown as what it is. Pure.

A claim that cannot be true is left out, with the series or as a whole: no output is refused for it.
"""

import math
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.json_types import JsonValue, object_of
from serviceexecution.store.records import RunUsage, UsagePoint

MAX_POINTS: Final = 240
MOST_SECONDS: Final = 1e10
"""Of CPU time: three hundred years, or a month of some four thousand cores."""
_MOST_BYTES: Final = 2**53
"""What every JSON parser keeps exactly."""
_MOST_CORES: Final = 1e5
_MOST_MILLISECONDS: Final = 253_402_300_799_999
"""The end of the year 9999."""
_MOST_GAPS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class UsageClaim:
    """Sums and series, as far as they can be true."""

    sums: RunUsage
    started_at: int | None = None
    """Milliseconds since 1970."""
    cpu_limit: float | None = None
    memory_limit: int | None = None
    points: tuple[UsagePoint, ...] = field(default=())


def usage_claim(value: JsonValue) -> UsageClaim | None:
    """Return what is claimed, None when nothing of it can be used."""
    members = object_of(value)
    gaps = _whole(members.get("gaps"), _MOST_GAPS)
    sums = RunUsage(
        cpu_seconds=_number(members.get("cpuSeconds"), MOST_SECONDS),
        memory_peak_bytes=_whole(members.get("memoryPeakBytes"), _MOST_BYTES),
        read_bytes=_whole(members.get("readBytes"), _MOST_BYTES),
        written_bytes=_whole(members.get("writtenBytes"), _MOST_BYTES),
        complete=members.get("complete") is True,
        gaps=gaps or 0,
        gap_seconds=(_number(members.get("gapSeconds"), MOST_SECONDS) or 0.0) if gaps else 0.0,
    )
    if sums == RunUsage(complete=sums.complete, gaps=sums.gaps, gap_seconds=sums.gap_seconds):
        return None
    return UsageClaim(
        sums,
        _whole(members.get("startedAt"), _MOST_MILLISECONDS),
        _number(members.get("cpuLimit"), _MOST_CORES),
        _whole(members.get("memoryLimit"), _MOST_BYTES),
        _points(members.get("points")),
    )


def _points(value: JsonValue) -> tuple[UsagePoint, ...]:
    """Return the points when there are not too many and each is later, and no less, than the one before."""
    if not isinstance(value, list) or len(value) > MAX_POINTS:
        return ()
    points: list[UsagePoint] = []
    for one in value:
        if not isinstance(one, list) or len(one) != 3:
            return ()
        time, cpu = _whole(one[0], _MOST_MILLISECONDS), _number(one[1], MOST_SECONDS)
        memory = _whole(one[2], _MOST_BYTES)
        if time is None or cpu is None or memory is None:
            return ()
        if points and (time < points[-1].time or cpu < points[-1].cpu_seconds):
            return ()
        points.append(UsagePoint(time=time, cpu_seconds=cpu, memory_bytes=memory))
    return tuple(points)


def _number(value: JsonValue, most: float) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value <= most and math.isfinite(value) else None


def _whole(value: JsonValue, most: int) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        return None
    return value
