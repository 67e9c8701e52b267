"""How far the building of a cluster's parts is: what is left of it, told after each part."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cluster.console import say

_LEAST_SAID: Final = 30.0
"""Seconds; less than that is not worth a line."""


@dataclass
class Outlook:
    """Several threads may tell it of parts that are done."""

    parts: Mapping[str, float]
    """The seconds that each part takes on two cores without any cache, by name."""
    clock: float = field(default_factory=time.monotonic)
    """When it began."""
    _done: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Say what is to be built, when that takes noticeable time."""
        total = sum(self.parts.values())
        if total >= _LEAST_SAID:
            say(f"  to build, once: {counted(len(self.parts))}, {about(total)} on two cores")

    def done(self, name: str) -> None:
        """Say how much is left after that part."""
        with self._lock:
            self._done.add(name)
            left = self.left(time.monotonic() - self.clock)
        if left >= _LEAST_SAID:
            say(f"    {len(self._done)} of {counted(len(self.parts))} done, {about(left)} are left")

    def left(self, elapsed: float) -> float:
        """Return the seconds that are left, by how long the parts so far took here; ``elapsed`` since the beginning."""
        built = sum(self.parts.get(name, 0.0) for name in self._done)
        rest = sum(seconds for name, seconds in self.parts.items() if name not in self._done)
        return rest * elapsed / built if built else rest


def about(seconds: float) -> str:
    """Return a time as an estimate is said."""
    if seconds < 90:
        return f"about {max(5, round(seconds / 5) * 5)} seconds"
    return f"about {round(seconds / 60)} minutes"


def counted(parts: int) -> str:
    """Return a number of parts in words that fit it."""
    return f"{parts} part" if parts == 1 else f"{parts} parts"
