"""Notes when the store or the gateway was away, so that waiting for what they keep does not count then."""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

from serviceexecution.controller.clock import Clock
from serviceexecution.executions.attendance import Attendance, Outage

MOST_OUTAGES: Final = 256
"""That are remembered; the oldest goes first."""

MERGED_WITHIN: Final = timedelta(seconds=5)
"""Outages so close to each other are one: looks are some seconds apart."""


class Outages:
    """One for a controller's whole life, which begins with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock()
        self._past: deque[Outage] = deque(maxlen=MOST_OUTAGES)
        self._away: set[str] = set()

    def note(self, what: str, *, there: bool, asked: datetime | None = None) -> None:
        """Note that something answered, or did not; ``asked`` is since when."""
        now, was_away = self._clock(), bool(self._away)
        if was_away:
            self._past[-1] = Outage(self._past[-1].start, now)
        if there:
            self._away.discard(what)
            return
        self._away.add(what)
        if not was_away and not (self._past and now - self._past[-1].end < MERGED_WITHIN):
            start = now if asked is None else asked
            self._past.append(Outage(max(start, self._past[-1].end) if self._past else start, now))

    def attendance(self) -> Attendance:
        """Return since when this controller has looked, and the outages until now."""
        if self._away:
            self._past[-1] = Outage(self._past[-1].start, self._clock())
        return Attendance(self._since, tuple(self._past))
