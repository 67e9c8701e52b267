"""The cache volume: one build at a time has it, others go without."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import Final

from serviceexecution.builder.pod.output import Output, size_text

_LOCK: Final = "lock"
_LEAST_FREE: Final = 0.1
"""With less of the volume free than that, what it holds is thrown away: buildah never does it itself."""


class CacheVolume:
    """Holds the lock until the process ends."""

    def __init__(self, path: Path, output: Output) -> None:
        self._path = path
        self._output = output
        self._descriptor: int | None = None

    def take(self, builder: str) -> Path | None:
        """Return the builder's directory on the volume; None when there is no volume, or another build has it."""
        if not self._path.is_dir():
            return None
        try:
            descriptor = os.open(self._path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                self._output.phase("cache", "another build uses the volume; this build does without it")
                return None
            self._descriptor = descriptor
            directory = self._path / builder
            self._make_room(directory)
            directory.mkdir(exist_ok=True)
            directory.chmod(0o700)  # Without the volume's setgid bit
        except OSError as error:
            self._output.phase("cache", f"the volume cannot be used: {error.strerror}")
            return None
        return directory

    def _make_room(self, directory: Path) -> None:
        status = os.statvfs(self._path)
        free = status.f_bavail * status.f_frsize
        if directory.exists() and status.f_bavail < status.f_blocks * _LEAST_FREE:
            self._output.phase("cache", f"only {size_text(free)} of the volume is free: the cache is emptied")
            shutil.rmtree(directory, ignore_errors=True)
