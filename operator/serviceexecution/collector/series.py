"""The samples of a run in little memory: when there are too many, each two become one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from .accounts import Reading

MOST_POINTS: Final = 240  # As the gateway's
FIRST_INTERVAL: Final = 1.0
BRIEF_INTERVAL: Final = 0.1
"""Between samples at the beginning: a pause is about as long as the run has lasted, until it is as long as later."""
_LATE: Final = 5
"""After so many intervals without a sample, and at least a second, there is a gap."""


class Series:
    """Points at the ends of intervals: time, CPU seconds since the start, and the most memory within."""

    def __init__(self) -> None:
        self.interval = FIRST_INTERVAL
        self.cpu_limit: float | None = None
        self.memory_limit: int | None = None
        self.complete = False
        """Whether the last sample was taken after main's end, from the sums of its control group."""
        self._points: list[tuple[float, float, int]] = []
        self._begun = 0.0
        self._monotonic: float | None = None
        self._peak: int | None = None
        self._last: Reading | None = None
        self._gaps = 0
        self._gap_seconds = 0.0

    def begin(self, now: float, age: float) -> None:
        """Say when main started: ``age`` seconds before ``now``. What it did before the first sample is a gap."""
        self._begun = now - age
        if age > 1.0:
            self._gap(age)

    def pause(self, now: float) -> float:
        """Return after how many seconds the next sample is due."""
        return min(self.interval, max(BRIEF_INTERVAL, now - self._begun))

    def add(self, now: float, monotonic: float, reading: Reading) -> None:
        """Add a sample of the time ``now``; gaps go by the clock that nobody sets."""
        if self._monotonic is not None:
            pause = monotonic - self._monotonic
            if pause > max(1.0, _LATE * self.interval):
                self._gap(pause)
        self._monotonic = monotonic
        self._last = reading
        highest = max(reading.memory or 0, 0)
        for peak in (reading.peak, reading.memory):
            if peak is not None:
                self._peak = peak if self._peak is None else max(self._peak, peak)
        if reading.cpu is None:
            return
        if self._points and now < self._points[-1][0] + BRIEF_INTERVAL / 2:
            time, _, memory = self._points.pop()
            self._points.append((max(time, now), reading.cpu, max(memory, highest)))
            return
        self._points.append((now, reading.cpu, highest))
        if len(self._points) > MOST_POINTS:
            self._halve()

    def facts(self) -> dict[str, object] | None:
        """Return sums, peaks and points as they are told; None when there are none."""
        last = self._last
        if last is None:
            return None
        facts: dict[str, object] = {
            "cpuSeconds": None if last.cpu is None else round(last.cpu, 6),
            "memoryPeakBytes": self._peak,
            "readBytes": last.read,
            "writtenBytes": last.written,
            "complete": self.complete,
            "gaps": self._gaps or None,
            "gapSeconds": round(self._gap_seconds, 3) if self._gaps else None,
            "cpuLimit": None if self.cpu_limit is None else round(self.cpu_limit, 6),
            "memoryLimit": self.memory_limit,
            "startedAt": _milliseconds(self._begun),
            "points": [[_milliseconds(time), round(cpu, 6), memory] for time, cpu, memory in self._points],
        }
        return {name: value for name, value in facts.items() if value is not None}

    def _halve(self) -> None:
        points = self._points
        merged = [
            (second[0], second[1], max(first[2], second[2]))
            for first, second in zip(points[0::2], points[1::2], strict=False)
        ]
        if len(points) % 2:
            merged.append(points[-1])
        self._points = merged
        self.interval *= 2

    def _gap(self, seconds: float) -> None:
        self._gaps += 1
        self._gap_seconds += seconds


def _milliseconds(time: float) -> int:
    return int(time * 1000)
