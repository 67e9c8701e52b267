"""How long single steps on the event loop compute: what one tenant's request costs all others."""

import asyncio
import contextlib
import time
import unittest.mock
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Steps:
    """CPU seconds of the longest step so far: independent of what else the machine does."""

    longest: float = 0.0


@contextlib.contextmanager
def measured_steps() -> Iterator[Steps]:
    """Measure all steps of asyncio's own event loops meanwhile."""
    steps = Steps()
    run = asyncio.events.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        started = time.thread_time()
        run(handle)
        steps.longest = max(steps.longest, time.thread_time() - started)

    with unittest.mock.patch.object(asyncio.events.Handle, "_run", measured):
        yield steps
