"""Notes when the store or the gateway was away, so that waiting for what they keep does not count then.

The store is noted by namespace: reads that fail in one of them lengthen nobody else's waiting.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

from serviceexecution.controller.clock import Clock
from serviceexecution.executions.attendance import Attendance, Outage, united

MOST_OUTAGES: Final = 128
"""That are remembered of the gateway, and of the store in each namespace; the oldest goes first."""

MOST_NAMESPACES: Final = 500
"""Whose outages are remembered; the one whose last outage was longest ago goes first."""

MERGED_WITHIN: Final = timedelta(seconds=5)
"""Outages so close to each other are one: looks are some seconds apart."""


class Outages:
    """One for a controller's whole life, which begins with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock()
        self._gateway = _Timeline()
        self._stores: dict[str, _Timeline] = {}
        """By namespace, those that were away last at the end."""

    def note_gateway(self, *, there: bool) -> None:
        """Note that a gateway was there, or none."""
        self._gateway.note(self._clock(), there=there)

    def note_store(self, namespace: str, *, there: bool, asked: datetime | None = None) -> None:
        """Note that the store answered a question of this namespace, or did not; ``asked`` is since when."""
        if there:
            if namespace in self._stores:
                self._stores[namespace].note(self._clock(), there=True)
            return
        timeline = self._stores.pop(namespace, None) or _Timeline()
        self._stores[namespace] = timeline
        timeline.note(self._clock(), there=False, asked=asked)
        if len(self._stores) > MOST_NAMESPACES:
            del self._stores[next(iter(self._stores))]

    def note_unasked(self, namespace: str, *, asked: datetime) -> None:
        """Note that a question of this namespace was not asked, since others' had all turns.

        Alone that says nothing of the store. While it does not answer another namespace, it is away for this one too.
        """
        if any(timeline.away_since is not None for timeline in self._stores.values()):
            self.note_store(namespace, there=False, asked=asked)

    def store_away_since(self, namespace: str) -> datetime | None:
        """Return since when the store has not answered this namespace; None while it does."""
        timeline = self._stores.get(namespace)
        return None if timeline is None else timeline.away_since

    def attendance(self, namespace: str) -> Attendance:
        """Return since when this controller has looked, and the outages that this namespace saw until now."""
        now, store = self._clock(), self._stores.get(namespace)
        outages = self._gateway.until(now)
        if store is not None:
            outages = united([*outages, *store.until(now)])
        return Attendance(self._since, outages)


class _Timeline:
    """When one thing was away."""

    def __init__(self) -> None:
        self._past: deque[Outage] = deque(maxlen=MOST_OUTAGES)
        self._away = False

    @property
    def away_since(self) -> datetime | None:
        """Return when the outage began that lasts, None while there is none."""
        return self._past[-1].start if self._away else None

    def note(self, now: datetime, *, there: bool, asked: datetime | None = None) -> None:
        """Note that it answered, or did not; ``asked`` is since when."""
        was_away = self._away
        self._away = not there
        if was_away:
            self._past[-1] = Outage(self._past[-1].start, now)
        elif not there and not (self._past and now - self._past[-1].end < MERGED_WITHIN):
            start = now if asked is None else asked
            self._past.append(Outage(max(start, self._past[-1].end) if self._past else start, now))

    def until(self, now: datetime) -> tuple[Outage, ...]:
        """Return the outages; one that lasts ends now."""
        if self._away:
            self._past[-1] = Outage(self._past[-1].start, now)
        return tuple(self._past)
