"""Waiting for what nobody tells of: asked again and again, with a limit."""

import time
from collections.abc import Callable

from tests.support.cluster import DeadlineError


def poll_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Ask until it is so; raises DeadlineError that names ``what``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            raise DeadlineError(f"not within {seconds:g} s: {what}")
        time.sleep(0.2)
