"""How much slower the machine is just now than when nobody else computes.

CPU time is not the same on a machine whose other processors and caches are busy: it may be twice as much for the same
work. A fixed piece of work that is measured beside everything else says how much, and figures are put right by it.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from statistics import median
from typing import Final

_TEXT: Final = json.dumps([{"name": f"n{at}", "value": at, "list": [at, str(at)]} for at in range(400)])
_TIMES: Final = 5
_PAUSE_SECONDS: Final = 0.5
REFERENCE_MS: Final = 3.2
"""What the work takes on a machine of 2026 with nothing else to do: figures are said as of such a machine."""


@dataclass(slots=True)
class Yardstick:
    """What was measured."""

    milliseconds: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Do the work once."""
        start = time.thread_time()
        for _ in range(_TIMES):
            json.dumps(json.loads(_TEXT))
        self.milliseconds.append((time.thread_time() - start) * 1000)

    @property
    def factor(self) -> float:
        """Return by what measured CPU times are to be multiplied."""
        return REFERENCE_MS / median(self.milliseconds)


@contextlib.asynccontextmanager
async def yardstick() -> AsyncIterator[Yardstick]:
    """Measure now and then until the block ends."""
    found = Yardstick()

    async def measure() -> None:
        while True:
            found.measure()
            await asyncio.sleep(_PAUSE_SECONDS)

    task = asyncio.create_task(measure())
    try:
        yield found
    finally:
        task.cancel()
        found.measure()
