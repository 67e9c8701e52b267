"""What the kernel counts for main's container: its control group, or else the processes that can be seen."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

_READ_BYTES: Final = 16 * 1024
_MOST_PROCESSES: Final = 500
_NO_LIMIT: Final = 1 << 60
"""What version 1 says of memory without a limit is near 2 ^ 63."""


class Reading:
    """What had been used at one moment. What is not known is None."""

    __slots__ = ("cpu", "memory", "peak", "read", "written")

    def __init__(
        self, cpu: float | None, memory: int | None, peak: int | None, read: int | None, written: int | None
    ) -> None:
        self.cpu = cpu
        self.memory = memory
        self.peak = peak
        self.read = read
        self.written = written


class ControlGroup:
    """The control group of main's container, seen through the file system of one of its processes.

    The files stay open: after main's end no path leads to them any more, while the group itself is still there for some
    milliseconds.
    """

    def __init__(self, directory: str, number: int) -> None:
        """Raises OSError where there is none to be read, or another one than the process's."""
        self._files: dict[str, int] = {}
        try:
            self._unified = self._open("cpu", f"{directory}/cpu.stat")
            if self._unified:
                self._open("memory", f"{directory}/memory.current", needed=True)
                self._open("peak", f"{directory}/memory.peak")
                self._open("io", f"{directory}/io.stat")
                members, limits = directory, (f"{directory}/cpu.max", f"{directory}/memory.max")
            else:
                self._open("cpu", f"{directory}/cpuacct/cpuacct.usage", needed=True)
                self._open("memory", f"{directory}/memory/memory.usage_in_bytes", needed=True)
                self._open("peak", f"{directory}/memory/memory.max_usage_in_bytes")
                self._open("io", f"{directory}/blkio/blkio.throttle.io_service_bytes_recursive")
                members = f"{directory}/memory"
                limits = (f"{directory}/cpu/cpu.cfs_quota_us", f"{directory}/memory/memory.limit_in_bytes")
            _check_member(f"{members}/cgroup.procs", number)
            self.cpu_limit = self._cpu_limit(limits[0])
            self.memory_limit = _first_number(_read(limits[1]))
        except OSError:
            self.close()
            raise
        if self.memory_limit is not None and self.memory_limit >= _NO_LIMIT:
            self.memory_limit = None

    def read(self) -> Reading | None:
        """Return what has been used; None when the group is gone."""
        try:
            cpu = self._text("cpu")
            memory = _first_number(self._text("memory"))
            peak = _first_number(self._text("peak"))
            moved = self._text("io")
        except OSError:
            return None
        read, written = _moved(moved, unified=self._unified) if "io" in self._files else (None, None)
        return Reading(_cpu_seconds(cpu, unified=self._unified), memory, peak, read, written)

    def close(self) -> None:
        """Close the files."""
        while self._files:
            os.close(self._files.popitem()[1])

    def _open(self, name: str, path: str, *, needed: bool = False) -> bool:
        try:
            self._files[name] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            if needed:
                raise
            return False
        return True

    def _text(self, name: str) -> bytes:
        descriptor = self._files.get(name)
        return b"" if descriptor is None else os.pread(descriptor, _READ_BYTES, 0)

    def _cpu_limit(self, path: str) -> float | None:
        fields = _read(path).split()
        if not self._unified:
            fields += _read(path.replace("cpu.cfs_quota_us", "cpu.cfs_period_us")).split()
        if len(fields) < 2 or not (fields[0].isdigit() and fields[1].isdigit()):
            return None
        return int(fields[0]) / max(1, int(fields[1]))


class SeenProcesses:
    """The sums of processes that can be seen: a lower bound, for containers whose control group cannot be read."""

    cpu_limit: float | None = None
    memory_limit: int | None = None

    def __init__(self, proc: str, number: int, others: Callable[[], Iterable[int]]) -> None:
        self._proc = proc
        self._number = number
        self._others = others
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._cpu = 0.0

    def read(self) -> Reading | None:
        """Return what the processes have used that are there, with the children they have waited for."""
        cpu = memory = count = 0
        # Main's own sums are still there when it has ended, until the runtime takes notice
        for number in {self._number, *self._others()}:
            fields = stat_fields(self._proc, number)
            if fields is None or count >= _MOST_PROCESSES:
                continue
            count += 1
            cpu += sum(int(field) for field in fields[11:15])
            memory += int(fields[21]) * self._page
        if not count:
            return None
        self._cpu = max(self._cpu, cpu / self._ticks)
        return Reading(self._cpu, memory, memory, None, None)

    def close(self) -> None:
        """Do nothing: nothing is kept open."""


def stat_fields(proc: str, number: int) -> list[bytes] | None:
    """Return what the kernel says of a process, from its state on; None when there is none."""
    try:
        fields = _read(f"{proc}/{number}/stat").rpartition(b")")[2].split()
    except OSError:
        return None
    return fields if len(fields) > 21 else None


def group_of(proc: str, number: int | str) -> bytes:
    """Return the names of a process's control groups; empty when there is no such process."""
    try:
        return _read(f"{proc}/{number}/cgroup")
    except OSError:
        return b""


def _check_member(path: str, number: int) -> None:
    if str(number).encode() not in _read(path).split():
        raise OSError("the control group is not that of the process")


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _READ_BYTES)
    finally:
        os.close(descriptor)


def _first_number(text: bytes) -> int | None:
    first = text.split(None, 1)[:1]
    return int(first[0]) if first and first[0].isdigit() else None


def _cpu_seconds(text: bytes, *, unified: bool) -> float | None:
    if not unified:
        nanoseconds = _first_number(text)
        return None if nanoseconds is None else nanoseconds / 1e9
    for line in text.splitlines():
        name, _, value = line.partition(b" ")
        if name == b"usage_usec" and value.isdigit():
            return int(value) / 1e6
    return None


def _moved(text: bytes, *, unified: bool) -> tuple[int, int]:
    """Return the bytes read and written: ``8:0 rbytes=1 wbytes=2 …`` or ``8:0 Read 1``, by device."""
    read = written = 0
    for line in text.splitlines():
        fields = line.replace(b"=", b" ").split()
        pairs = zip(fields[1::2], fields[2::2], strict=False) if unified else [tuple(fields[1:3])]
        for pair in pairs:
            if len(pair) == 2 and pair[1].isdigit():
                read += int(pair[1]) if pair[0] in {b"rbytes", b"Read"} else 0
                written += int(pair[1]) if pair[0] in {b"wbytes", b"Write"} else 0
    return read, written
