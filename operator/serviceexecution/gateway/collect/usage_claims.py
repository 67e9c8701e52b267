"""What a collector says that main has used: a tenant's claim, held to bounds, and shown as what it is. Pure.

A claim that cannot be true is left out, with the series or as a whole: no output is refused for it.
"""

import math
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue, object_of
from serviceexecution.store.records import RunUsage, UsagePoint

MAX_POINTS: Final = 240
MOST_SECONDS: Final = 1e10
"""Of CPU time: three hundred years, or a month of a hundred cores."""
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
    gaps = _whole(members, "gaps", _MOST_GAPS)
    sums = RunUsage(
        cpu_seconds=_number(members, "cpuSeconds", MOST_SECONDS),
        memory_peak_bytes=_whole(members, "memoryPeakBytes", _MOST_BYTES),
        read_bytes=_whole(members, "readBytes", _MOST_BYTES),
        written_bytes=_whole(members, "writtenBytes", _MOST_BYTES),
        complete=members.get("complete") is True,
        gaps=gaps or 0,
        gap_seconds=(_number(members, "gapSeconds", MOST_SECONDS) or 0.0) if gaps else 0.0,
    )
    if sums == RunUsage(complete=sums.complete, gaps=sums.gaps, gap_seconds=sums.gap_seconds):
        return None
    return UsageClaim(
        sums,
        _whole(members, "startedAt", _MOST_MILLISECONDS),
        _number(members, "cpuLimit", _MOST_CORES),
        _whole(members, "memoryLimit", _MOST_BYTES),
        _points(members.get("points")),
    )


def _points(value: JsonValue) -> tuple[UsagePoint, ...]:
    """Return the points when there are not too many and each is later, and no less, than the one before."""
    if not isinstance(value, list) or len(value) > MAX_POINTS:
        return ()
    points: list[UsagePoint] = []
    for one in value:
        time, cpu, memory = one if isinstance(one, list) and len(one) == 3 else (None, None, None)
        members: JsonObject = {"time": time, "cpu": cpu, "memory": memory}
        point = (
            _whole(members, "time", _MOST_MILLISECONDS),
            _number(members, "cpu", MOST_SECONDS),
            _whole(members, "memory", _MOST_BYTES),
        )
        if point[0] is None or point[1] is None or point[2] is None:
            return ()
        if points and (point[0] < points[-1].time or point[1] < points[-1].cpu_seconds):
            return ()
        points.append(UsagePoint(time=point[0], cpu_seconds=point[1], memory_bytes=point[2]))
    return tuple(points)


def _number(members: JsonObject, name: str, most: float) -> float | None:
    value = members.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value <= most and math.isfinite(value) else None


def _whole(members: JsonObject, name: str, most: int) -> int | None:
    value = members.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        return None
    return value
