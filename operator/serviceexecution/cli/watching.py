"""Watches something that works: looks at its state again and again while its log comes in beside."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import httpx

from serviceexecution.cli.client.log_entry import LogEntry
from serviceexecution.cli.errors import CommandError
from serviceexecution.kube.errors import KubernetesError

T = TypeVar("T")
LOOK_SECONDS: Final = 1.0
_LAST_LINES_SECONDS: Final = 60.0
"""How long the log's last lines may take after the end: it is whole by then, and what is slow is the way here."""
_LATE: Final = "its last lines have not come; they are kept"
_PATIENCE_SECONDS: Final = 60.0
"""How long the cluster may be away."""


@dataclass(frozen=True, slots=True)
class LogTrouble:
    """The log cannot be shown; the work goes on."""

    message: str


class WaitedTooLongError(Exception):
    """It had not ended when the time was over."""


@dataclass(frozen=True, slots=True)
class Watched(Generic[T]):
    """What to watch. ``log`` gives the log's lines once there is a log, None before that."""

    look: Callable[[], T]
    is_over: Callable[[T], bool]
    log: Callable[[T], Iterator[LogEntry] | None]


def watch(
    watched: Watched[T], *, seconds: float | None = None, pause: float | None = None
) -> Iterator[T | LogEntry | LogTrouble]:
    """Give states and lines as they come, the last state behind the last line; each look gives a state, changed or not.

    ``pause`` are the seconds between looks. Raises WaitedTooLongError after ``seconds``, and what ``look`` raises when
    it does so for a minute.
    """
    pause = LOOK_SECONDS if pause is None else pause
    end = None if seconds is None else time.monotonic() + seconds
    lines: queue.SimpleQueue[LogEntry | LogTrouble | None] = queue.SimpleQueue()
    state = watched.look()
    following = False
    while True:
        over = watched.is_over(state)
        log = None if following else watched.log(state)
        if log is not None:
            following = True
            threading.Thread(target=_pump, args=(log, lines), daemon=True, name="log").start()
        if over:
            if following:
                yield from _last_lines(lines)
            yield state
            return
        yield state
        until = time.monotonic() + pause
        yield from _until(lines, until if end is None else min(until, end))
        if end is not None and time.monotonic() >= end:
            raise WaitedTooLongError
        state = _patiently(watched.look, pause)


def _pump(log: Iterator[LogEntry], lines: "queue.SimpleQueue[LogEntry | LogTrouble | None]") -> None:
    try:
        for entry in log:
            lines.put(entry)
    except (CommandError, KubernetesError, httpx.HTTPError) as error:
        lines.put(LogTrouble(str(error)))
    finally:
        lines.put(None)


def _last_lines(
    lines: "queue.SimpleQueue[LogEntry | LogTrouble | None]",
) -> Iterator[LogEntry | LogTrouble]:
    """Give what is left of the log, and say so when its end does not come."""
    end = time.monotonic() + _LAST_LINES_SECONDS
    while True:
        try:
            line = lines.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            yield LogTrouble(_LATE)
            return
        if line is None:
            return
        yield line


def _until(
    lines: "queue.SimpleQueue[LogEntry | LogTrouble | None]", end: float
) -> Iterator[LogEntry | LogTrouble]:
    """Give lines until a time."""
    while True:
        try:
            line = lines.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            return
        if line is not None:
            yield line
        else:
            lines.put(None)  # For the one who waits for the end
            time.sleep(max(0.0, end - time.monotonic()))
            return


def _patiently(look: Callable[[], T], pause: float) -> T:
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return look()
        except httpx.TransportError:
            if time.monotonic() >= end:
                raise
        except KubernetesError as error:
            if not error.retriable or time.monotonic() >= end:
                raise
        time.sleep(pause)
