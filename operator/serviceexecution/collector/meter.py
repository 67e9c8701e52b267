"""Measures what main uses: looks for its container, samples it, and reads the kernel's sums at its end."""

from __future__ import annotations

import os
import time

from .accounts import ControlGroup, SeenProcesses, group_of, stat_fields
from .log import log
from .processes import open_process
from .series import Series

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from .processes import Processes

GROUPS: Final = "root/sys/fs/cgroup"
"""Where a process sees its control group, below its folder in /proc."""
LOOK_SECONDS: Final = 0.005
"""Between two looks for a new process: a program may live for some milliseconds."""
SOON_SECONDS: Final = 0.0005
"""Between two tries to open the group of a process that is about to become main: the runtime starts it a few
milliseconds after it can be seen."""
LATER_SECONDS: Final = 0.1
"""Most between two looks, once there was nothing for long: an image may be pulled for minutes, and two hundred pods may
start at once."""
_OF_LOOKS: Final = 0.0025
_OF_TRIES: Final = 0.05
"""What part of the time so far a pause takes, so that waiting costs less and less."""
PATIENCE: Final = 5.0
"""Seconds of tries, after which only the processes are looked at."""
_SHARE: Final = 100
"""A sample that takes long is followed by a pause of so many times that: at most one percent of a core."""


class Meter:
    """What main has used.

    Call ``look`` whenever ``pause`` seconds are over, ``touch`` when ``descriptor`` is ready, and ``end`` when main has
    ended.
    """

    def __init__(self, processes: Processes | None, proc: str = "/proc") -> None:
        """Without processes nothing can be measured."""
        self._processes = processes
        self._proc = proc
        self._own = group_of(proc, "self")
        self._pause_group = group_of(proc, 1)
        self._own_start = self._start_of(os.getppid())
        self._newest = _open(f"{proc}/loadavg")
        self._last_number = b""
        self._candidate: int | None = None
        self.descriptor: int | None = None
        """Becomes readable when main ends."""
        self._since = time.monotonic()
        self._account: ControlGroup | SeenProcesses | None = None
        self._over = processes is None
        self._next = 0.0
        self.series = Series()

    @property
    def pause(self) -> float | None:
        """Return after how many seconds to look again; None when there is nothing to be measured (any more)."""
        if self._over:
            return None
        if self._account is not None:
            return max(0.0, self._next - time.monotonic())
        waited = time.monotonic() - self._since
        if self._candidate is None:
            return min(LATER_SECONDS, max(LOOK_SECONDS, waited * _OF_LOOKS))
        return min(LATER_SECONDS, max(SOON_SECONDS, waited * _OF_TRIES))

    def look(self) -> None:
        """Take a sample if it is time, or look for main."""
        if self._over:
            return
        if self._account is not None:
            if time.monotonic() >= self._next:
                self._sample()
            return
        if self._candidate is None:
            self._candidate = self._find()
        if self._candidate is not None:
            self._attach(self._candidate)

    def touch(self) -> None:
        """Take the sample of main's end: the kernel has the sums for some milliseconds more."""
        self._forget_descriptor()
        if self._over or self._account is None:
            return
        ended = self._candidate is None or not _lives(self._proc, self._candidate)
        if self._sample() and ended:
            self.series.complete = isinstance(self._account, ControlGroup)

    def end(self) -> None:
        """Take the last sample, if there is still something to be read, and stop."""
        self.touch()
        if self._account is not None:
            self._account.close()
        if self._newest is not None:
            os.close(self._newest)
            self._newest = None
        self._over = True

    def facts(self) -> dict[str, object] | None:
        """Return what is told with the commit; None when nothing was measured."""
        return self.series.facts()

    def _find(self) -> int | None:
        """Return the number of the process that is main, None while there is none."""
        number = self._newest_number()
        if number == self._last_number:
            return None
        self._last_number = number
        assert self._processes is not None  # noqa: S101 - else it is over
        own, starts = self._own_start, []
        grouped = self._own not in {b"", self._pause_group}
        for other in self._processes.others():
            group, start = group_of(self._proc, other), self._start_of(other)
            if group and not (grouped and group in {self._own, self._pause_group}):
                # A sidecar among the init containers is older than the collector, and a debug container younger
                starts.append((start < own, start, other))
        if not starts:
            return None
        self._since = time.monotonic()
        return min(starts)[2]

    def _newest_number(self) -> bytes:
        """Return the number that the newest process got: the last thing in ``loadavg``, which costs next to nothing."""
        if self._newest is None:
            return str(time.monotonic()).encode()
        return os.pread(self._newest, 100, 0).rpartition(b" ")[2]

    def _attach(self, number: int) -> None:
        if not _lives(self._proc, number):
            self._candidate = None  # It was too quick, or a helper of the runtime
            self._last_number = b""
            return
        late = time.monotonic() - self._since > PATIENCE
        if group_of(self._proc, number) == self._own or late:
            assert self._processes is not None  # noqa: S101
            self._start(number, SeenProcesses(self._proc, number, self._processes.others))
            return
        try:
            group = ControlGroup(f"{self._proc}/{number}/{GROUPS}", number)
        except OSError:
            return  # Not yet: the runtime prepares the process, or it belongs to another user
        self._start(number, group)

    def _start(self, number: int, account: ControlGroup | SeenProcesses) -> None:
        self._account = account
        self.descriptor = open_process(number)
        self.series.cpu_limit, self.series.memory_limit = account.cpu_limit, account.memory_limit
        age = self._age_of(number)
        self.series.begin(time.time(), age)
        log("main is measured", by=type(account).__name__, age=round(age, 3))
        self._sample()

    def _sample(self) -> bool:
        before = time.monotonic()
        reading = None if self._account is None else self._account.read()
        after = time.monotonic()
        if reading is not None:
            self.series.add(time.time(), before, reading)
        self._next = after + max(self.series.pause(time.time()), (after - before) * _SHARE)
        return reading is not None

    def _forget_descriptor(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def _start_of(self, number: int) -> int:
        fields = stat_fields(self._proc, number)
        return 0 if fields is None else int(fields[19])

    def _age_of(self, number: int) -> float:
        started = self._start_of(number) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started) if started else 0.0


def _lives(proc: str, number: int) -> bool:
    fields = stat_fields(proc, number)
    return fields is not None and fields[0] not in {b"Z", b"X"}


def _open(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
