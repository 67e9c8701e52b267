"""What the launcher prints: one line per step, with its time when it took noticeable time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_NOTICEABLE_SECONDS: Final = 0.5


def say(text: str) -> None:
    """Print a line for the user on standard error, so that `make env` can be evaluated."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what is being done and, when it is done, how long it took."""
    say(f"  {text} …")
    start = time.monotonic()
    yield
    seconds = time.monotonic() - start
    if seconds >= _NOTICEABLE_SECONDS:
        say(f"    done in {seconds:.1f} s")
