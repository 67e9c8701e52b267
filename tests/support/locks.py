"""Tests side by side, and now and then one that must be alone: a lock across the workers of pytest-xdist."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def together(directory: Path) -> Iterator[None]:
    """Run beside other tests, not beside one that is alone."""
    with _locked(directory / "turn", fcntl.LOCK_EX):
        # Who waits to be alone holds the turn, so that it is not passed by newcomers for ever.
        inside = (directory / "inside").open("w")
        fcntl.flock(inside, fcntl.LOCK_SH)
    with inside:
        yield


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Run while no other test does."""
    with _locked(directory / "turn", fcntl.LOCK_EX), _locked(directory / "inside", fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def _locked(path: Path, mode: int) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, mode)
        yield
