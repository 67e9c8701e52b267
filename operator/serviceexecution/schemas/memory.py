"""What is remembered of checks, in bounded memory: verdicts, and schemas that took too long."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from serviceexecution.schemas.errors import SchemaSuspendedError
from serviceexecution.schemas.rules import SchemaFault, SchemaUnusableError

REMEMBERED: Final = 10_000
"""Verdicts without a word of their own, which most are; some two megabytes."""
REMEMBERED_FAULTS: Final = 500
"""Verdicts with faults, each of up to some six kilobytes."""
TIMEOUTS_BEFORE_PAUSE: Final = 3
"""Once or twice it may have been the machine, or the one value."""
TIMEOUTS_WITHIN: Final = 300.0
PAUSE_SECONDS: Final = 30.0
"""How long nothing is checked for who had a schema that took too long; then one check shows whether it still does."""
_SUSPECTS: Final = 1000

Verdict = tuple[SchemaFault, ...] | SchemaUnusableError
"""Faults, none for a value that fits; or why the schema is none."""


class Verdicts:
    """State owner of verdicts by what was checked. A check is a function of schema and value: a verdict never ages."""

    def __init__(self) -> None:
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._bad: OrderedDict[bytes, Verdict] = OrderedDict()

    def get(self, key: bytes) -> Verdict | None:
        """Return the verdict, None when there is none."""
        if key in self._good:
            self._good.move_to_end(key)
            return ()
        if key in self._bad:
            self._bad.move_to_end(key)
        return self._bad.get(key)

    def put(self, key: bytes, verdict: Verdict) -> None:
        """Remember a verdict; the one that was used least recently goes."""
        if verdict == ():
            self._good[key] = None
        else:
            self._bad[key] = verdict
        while len(self._good) > REMEMBERED:
            self._good.popitem(last=False)
        while len(self._bad) > REMEMBERED_FAULTS:
            self._bad.popitem(last=False)


@dataclass(slots=True)
class _Suspect:
    timeouts: int = 0
    last: float = 0.0
    paused_until: float = 0.0


class SlowSchemas:
    """State owner of the schemas whose checks took too long, by who had them checked: his values stop no other's."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._suspects: OrderedDict[bytes, _Suspect] = OrderedDict()

    def begin(self, key: bytes) -> None:
        """Raise SchemaSuspendedError while nothing is checked against the schema; after a pause one check may go on."""
        suspect = self._suspects.get(key)
        if suspect is None or suspect.timeouts < TIMEOUTS_BEFORE_PAUSE:
            return
        now = self._clock()
        if now < suspect.paused_until:
            raise SchemaSuspendedError(suspect.paused_until - now)
        suspect.paused_until = now + PAUSE_SECONDS

    def took_too_long(self, key: bytes) -> None:
        """Count a check that did not end in time."""
        now = self._clock()
        suspect = self._suspects.setdefault(key, _Suspect())
        if now - suspect.last > TIMEOUTS_WITHIN:
            suspect.timeouts = 0
        suspect.timeouts += 1
        suspect.last = now
        suspect.paused_until = now + PAUSE_SECONDS
        self._suspects.move_to_end(key)
        while len(self._suspects) > _SUSPECTS:
            self._suspects.popitem(last=False)

    def ended(self, key: bytes) -> None:
        """Forget the schema: a check of it has ended."""
        self._suspects.pop(key, None)
