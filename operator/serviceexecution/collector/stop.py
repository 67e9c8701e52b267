"""SIGTERM: the pod is to end. Wakes whoever polls, and kills the program when its grace period is over."""

from __future__ import annotations

import os
import signal
import time

from .log import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from .processes import Processes


class Stop:
    """Whether and when the pod was told to end."""

    def __init__(self, processes: Processes, grace: float, *, kill: bool) -> None:
        self._processes = processes
        self._grace = grace
        self._kill = kill
        self.requested_at: float | None = None
        """Monotonic time of SIGTERM."""
        self.wake, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGALRM, self._on_alarm)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGINT, self._on_term)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})

    @property
    def requested(self) -> bool:
        """Tell whether the pod was told to end."""
        return self.requested_at is not None

    def drain(self) -> None:
        """Empty the wake-up pipe after a poll."""
        try:
            os.read(self.wake, 4096)
        except BlockingIOError:
            return

    def _on_term(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested_at is None:
            self.requested_at = time.monotonic()
            if self._kill:
                signal.setitimer(signal.ITIMER_REAL, max(self._grace, 0.001))

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        log("the grace period is over", killed=self._processes.kill_others())
