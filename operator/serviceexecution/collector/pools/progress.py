"""How far the staging of a data pool has come: a line of the log now and then, which the controller reads."""

from __future__ import annotations

import threading
import time

from ..log import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from .files import PoolFile

EVENT: Final = "staging data pool"
_PAUSE_SECONDS: Final = 10.0
_STEP: Final = 0.1
"""Part of all bytes between two lines: a status is written for each."""


class Progress:
    """Counts for all threads."""

    def __init__(
        self,
        name: str,
        files: Sequence[PoolFile],
        missing: Sequence[PoolFile],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._of_files = len(files)
        self._of_bytes = sum(file.size for file in files)
        self._files = len(files) - len(missing)
        self._bytes = self._of_bytes - sum(file.size for file in missing)
        self._said_at = clock()
        self._said_bytes = self._bytes
        self._say()

    def add_bytes(self, count: int) -> None:
        """Count bytes that have come, and say so when there is enough to say."""
        with self._lock:
            self._bytes += count
            enough = self._bytes - self._said_bytes >= self._of_bytes * _STEP
            now = self._clock()
            if enough and now - self._said_at >= _PAUSE_SECONDS:
                self._said_at, self._said_bytes = now, self._bytes
                self._say()

    def add_files(self, count: int) -> None:
        """Count files that are whole."""
        with self._lock:
            self._files += count

    def end(self) -> None:
        """Say that everything is there."""
        with self._lock:
            self._files, self._bytes = self._of_files, self._of_bytes
            self._say()

    def _say(self) -> None:
        log(
            EVENT,
            pool=self._name,
            files=self._files,
            ofFiles=self._of_files,
            bytes=min(self._bytes, self._of_bytes),
            ofBytes=self._of_bytes,
        )
