"""The other processes of the pod, seen through its shared process namespace."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

_PAUSE: Final = 1


class Processes:
    """Looks into /proc. Our own processes are this one, its parent (our supervisor) and its children."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._own = os.getpid()
        self._parent = os.getppid()

    @property
    def shared(self) -> bool:
        """Tell whether the namespace is shared: else the container's first process is number 1."""
        return _PAUSE not in {self._own, self._parent}

    def others(self) -> Iterator[int]:
        """Give the numbers of living processes that are not ours."""
        for name in os.listdir(self._proc):  # noqa: PTH208 - pathlib costs memory
            if name.isdecimal() and self._is_other(int(name)):
                yield int(name)

    def first_other(self) -> int | None:
        """Return the number of a living process that is not ours, None when there is none."""
        return next(self.others(), None)

    def kill_others(self) -> int:
        """Send SIGKILL to all that are not ours; returns how many got it."""
        killed = 0
        for number in self.others():
            try:
                os.kill(number, signal.SIGKILL)
                killed += 1
            except OSError:
                continue  # Gone, or of another user
        return killed

    def _is_other(self, number: int) -> bool:
        if number in {_PAUSE, self._own, self._parent}:
            return False
        try:
            with open(f"{self._proc}/{number}/stat", "rb") as file:  # noqa: PTH123
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            return False
        # State, parent, … ; a zombie has ended
        return len(fields) > 1 and fields[0] not in {b"Z", b"X"} and int(fields[1]) != self._own


def open_process(number: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends; None where that is not possible."""
    try:
        return os.pidfd_open(number)
    except (OSError, AttributeError):  # AttributeError: built without it
        return None
