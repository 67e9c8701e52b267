"""Waits for the end of the main container's program."""

from __future__ import annotations

import os
import select
import time

from .log import log
from .meter import Meter
from .processes import Processes, open_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from .gateway_client import StateQuery
    from .settings import Settings
    from .stop import Stop

LOOK_SECONDS: Final = 0.1
IDLE_SECONDS: Final = 5.0
LONG_POLL_SECONDS: Final = 30
UNCOLLECTED_SECONDS: Final = 30.0
"""How long after the cancel grace a program that cannot be killed is still waited for; the pod itself ends
60 seconds after that grace."""

_FIRST_RETRY: Final = 0.5
_LONGEST_RETRY: Final = 15.0


class MainWatcher:
    """Looks at the pod's processes where they are shared, and takes the gateway's word.

    Processes alone are not enough: a program may have ended before the first look, and a shell that a person
    opened by ``kubectl exec`` counts as one. An end that is seen therefore counts once the gateway has said that main
    was started, and "terminated" from the gateway counts always.
    """

    def __init__(self, settings: Settings, processes: Processes, query: StateQuery, stop: Stop) -> None:
        self._processes = processes if settings.shared_processes and processes.shared else None
        self.meter = Meter(self._processes)
        self._poll_seconds = settings.poll_seconds
        self._grace = settings.cancel_grace
        self._query = query
        self._stop = stop
        self._seen = False
        self._started = False
        self._gone = False
        """Whether the execution was deleted: the pod is being ended, and what main does no longer matters."""
        self._quiet_looks = 0
        self._hurry = True  # Ask for main's state as it is now, not for its next change
        self._next_ask = 0.0
        self._retry = _FIRST_RETRY
        self._watched: tuple[int, int] | None = None
        """Number and descriptor of the process whose end wakes us."""

    def wait(self, *, through_stop: bool = False) -> None:
        """Return when main has ended, or at SIGTERM; ``through_stop``: also after SIGTERM wait for its end, as
        long as the pod lives."""
        if through_stop:
            self._ask_now()
        try:
            while not self._over(through_stop=through_stop):
                state = self._poll()
                if state == "terminated":
                    log("main has ended", seen="gateway")
                    return
                if state == "waiting" and self._stop.requested and not self._seen:
                    log("main will not start any more")
                    return
                self._started = self._started or state == "running"
                self._gone = self._gone or state == "gone"
        finally:
            self._unwatch()

    def _over(self, *, through_stop: bool) -> bool:
        if self._stop.requested_at is not None:
            if not through_stop:
                return True
            if time.monotonic() > self._stop.requested_at + self._grace + UNCOLLECTED_SECONDS:
                log("main does not end; its output is collected as it is")
                return True
        if self._processes is None:
            return self._gone and self._stop.requested
        other = self._processes.first_other()
        if other is not None:
            self._seen = True
            self._quiet_looks = 0
            self._watch(other)
            return False
        self._unwatch()
        self._quiet_looks += 1
        if (self._seen or self._gone) and self._quiet_looks >= 2:
            if self._started or self._stop.requested:
                log("main has ended", seen="processes")
                return True
            self._seen = False  # Perhaps only a person's shell: let the gateway tell
            self._ask_now()
        return False

    def _poll(self) -> str | None:
        """Sleep until something happens; returns main's state when the gateway told it."""
        now = time.monotonic()
        if not self._query.active and now >= self._next_ask:
            watching = self._watched is not None and self._started and not self._stop.requested
            self._query.start(0 if watching or self._hurry else LONG_POLL_SECONDS)
            self._hurry = False
            if not self._query.active:
                self._ask_again_later()
        poll = select.poll()
        poll.register(self._stop.wake, select.POLLIN)
        # While a process is watched there is nothing to look for until it ends: no need to wake up
        looking = self._processes is not None and self._watched is None
        timeout = LOOK_SECONDS if looking else 1.0 if self._stop.requested else IDLE_SECONDS
        if self._query.active:
            poll.register(self._query.fileno(), select.POLLIN)
        else:
            timeout = min(timeout, max(0.01, self._next_ask - time.monotonic()))
        if self._watched is not None:
            poll.register(self._watched[1], select.POLLIN)
        ready = self._sleep(poll, timeout)
        self._stop.drain()
        if self._query.active and self._query.fileno() in ready:
            state = self._query.finish()
            if state is None:
                self._look_after_query()
            else:
                self._retry = _FIRST_RETRY
                # Seen running: now and then is enough; else soon, and the answer comes at a change
                seen_running = self._watched is not None and state == "running"
                self._next_ask = time.monotonic() + (self._poll_seconds if seen_running else LOOK_SECONDS)
            return state
        if self._query.active and self._query.expired():
            self._ask_again_later()
        return None

    def _sleep(self, poll: select.poll, timeout: float) -> set[int]:
        """Sleep until a descriptor is ready or time is over, and measure main meanwhile; returns what is ready."""
        end = time.monotonic() + timeout
        while True:
            self.meter.look()
            pause, main = self.meter.pause, self.meter.descriptor
            rest = max(0.0, end - time.monotonic())
            if main is not None:
                poll.register(main, select.POLLIN)
            ready = {number for number, _ in poll.poll(min(rest, rest if pause is None else pause) * 1000)}
            if main is not None:
                poll.unregister(main)
            if main in ready:
                self.meter.touch()
            if ready or rest == 0.0:
                return ready

    def _look_after_query(self) -> None:
        if not self._query.active:
            self._ask_again_later()

    def _ask_now(self) -> None:
        self._query.cancel()  # An answer that was asked for before may be long in coming
        self._next_ask = 0.0
        self._hurry = True

    def _ask_again_later(self) -> None:
        self._next_ask = time.monotonic() + self._retry
        self._retry = min(self._retry * 2, _LONGEST_RETRY)

    def _watch(self, number: int) -> None:
        if self._watched is not None:
            if self._watched[0] == number:
                return
            self._unwatch()
        descriptor = open_process(number)
        if descriptor is not None:
            self._watched = (number, descriptor)

    def _unwatch(self) -> None:
        if self._watched is not None:
            os.close(self._watched[1])
            self._watched = None
