"""How many logs one process follows by open streams, and how many it reads back at once."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Final

from serviceexecution.fairness.turns import FairTurns

LOADS_AT_ONCE: Final = 4
"""Logs that are read back from the store at the same time, after a restart: each holds a chunk, and takes milliseconds
to search it."""


class StreamSlots:
    """State owner of the free places for open streams, and of the turns of reading back."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self.loads = FairTurns(LOADS_AT_ONCE, per_key=LOADS_AT_ONCE // 2, waiting_per_key=sys.maxsize)
        """By namespace. All logs that are followed wait here after a restart: there is nobody to send away."""

    @contextlib.contextmanager
    def taken(self, *, wanted: bool = True) -> Iterator[bool]:
        """Give True and a place that is free again afterwards, or False when there is none or none is wanted."""
        if not wanted or self._free <= 0:
            yield False
            return
        self._free -= 1
        try:
            yield True
        finally:
            self._free += 1
