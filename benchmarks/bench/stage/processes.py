"""Processes of ours, what they have computed, and what they hold."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_END_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Running:
    """A process of this machine."""

    name: str
    pid: int

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and of its children that have ended."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICKS

    def resident_bytes(self) -> int:
        """Return the resident memory."""
        return self._status("VmRSS")

    def most_resident_bytes(self) -> int:
        """Return the most that was resident at once."""
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise ProcessLookupError(self.pid)


@contextlib.contextmanager
def started(
    name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run a program until the block ends. Its words go to ``log``."""
    with log.open("wb") as words:
        process = subprocess.Popen(
            command, stdout=words, stderr=words, env=None if environment is None else dict(environment)
        )
        try:
            yield Running(name, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Meter:
    """How much CPU time processes take, from when this was made."""

    def __init__(self, processes: Sequence[Running]) -> None:
        self._processes = processes
        self._before = [one.cpu_seconds() for one in processes]
        self._since = time.monotonic()

    def milliseconds(self, each_of: int) -> dict[str, float]:
        """Return what each process has taken for each of so many executions."""
        pairs = zip(self._processes, self._before, strict=True)
        return {one.name: (one.cpu_seconds() - before) * 1000 / each_of for one, before in pairs}

    def seconds(self) -> float:
        """Return how long it was."""
        return time.monotonic() - self._since
