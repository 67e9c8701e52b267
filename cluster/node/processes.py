"""Records of processes that survive the launcher, safe against reused process numbers."""

import contextlib
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.errors import LauncherError

# Field 22 of /proc/<pid>/stat, counted after the command name, which may itself hold spaces and parentheses.
_START_TIME_FIELD_AFTER_NAME: Final = 19


@dataclass(frozen=True)
class ProcessRecord:
    """A process by number and start time (clock ticks since boot), which together are never reused in one boot."""

    pid: int
    start_time: int
    boot: str

    @staticmethod
    def of(pid: int) -> "ProcessRecord | None":
        """The record of a running process, None when there is none of that number."""
        ticks = start_time(pid)
        return None if ticks is None else ProcessRecord(pid, ticks, boot_identity())

    @staticmethod
    def read(path: Path) -> "ProcessRecord | None":
        """The record written at `path`, None when there is none or an interrupted write left it unreadable."""
        try:
            data = json.loads(path.read_text())
            return ProcessRecord(int(data["pid"]), int(data["startTime"]), str(data["boot"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps({"pid": self.pid, "startTime": self.start_time, "boot": self.boot}))
        temporary.replace(path)

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self.boot == boot_identity() and start_time(self.pid) == self.start_time

    def kill(self, *, timeout: float = 120.0) -> None:
        """SIGKILL and wait until it is gone; nothing happens when it is gone already.

        Raises LauncherError when it is still there after `timeout` seconds.
        """
        if not self.alive():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        deadline = time.monotonic() + timeout
        while self.alive():
            if time.monotonic() > deadline:
                raise LauncherError(f"process {self.pid} does not end although it was killed.")
            time.sleep(0.02)


def boot_identity() -> str:
    """The kernel's random name of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """Start time in clock ticks since boot; None for a process that is gone or only waits to be reaped."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[_START_TIME_FIELD_AFTER_NAME])


def children(pid: int) -> list[int]:
    """The process numbers of the direct children of `pid`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(entry.parent.name))
    return found
