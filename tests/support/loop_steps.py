"""How long single steps on the event loop compute: what one tenant's request costs all others."""

import asyncio
import contextlib
import gc
import time
import unittest.mock
from collections.abc import Iterator
from dataclasses import dataclass

from serviceexecution.process.garbage import collect_seldom


@dataclass
class Steps:
    """CPU seconds of the longest step so far: independent of what else the machine does."""

    longest: float = 0.0


@contextlib.contextmanager
def measured_steps() -> Iterator[Steps]:
    """Measure all steps of asyncio's own event loops meanwhile, with the garbage collector set as our processes set it.

    Else a step may meet a collection of all that the test run has in memory.
    """
    steps = Steps()
    run = asyncio.events.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        started = time.thread_time()
        run(handle)
        steps.longest = max(steps.longest, time.thread_time() - started)

    usual = gc.get_threshold()
    collect_seldom()
    try:
        with unittest.mock.patch.object(asyncio.events.Handle, "_run", measured):
            yield steps
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
