"""Programs that the builder runs: their output goes to the log line by line, and all of them end with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.pod.output import Output

_KEPT_LINES: Final = 800
_LONGEST_LINE: Final = 16 * 1024
_STOP_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended, and the last lines that it printed."""

    code: int
    lines: tuple[str, ...]


def silent(_line: str) -> tuple[str, ...]:
    """Show nothing."""
    return ()


class Commands:
    """Starts programs, each in a process group of its own, and can end all of them."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path | None = None,
        *,
        shown: Callable[[str], Iterable[str]] | None = None,
    ) -> Finished:
        """Run to the end; raises BuildError when there is no such program.

        ``shown`` gives the lines of the log for each line of the output; by default it is the line itself.
        """
        process = self.start(command, environment, directory)
        lines: deque[str] = deque(maxlen=_KEPT_LINES)
        try:
            for text in _lines(cast("IO[bytes]", process.stdout)):
                lines.append(self.output.masked(text))
                for line in (text,) if shown is None else shown(text):
                    self.output.line(line)
            return Finished(process.wait(), tuple(lines))
        finally:
            self.stop(process)

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path | None = None,
        log: IO[bytes] | int = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start a program whose output goes to ``log``; raises BuildError when the program is not there."""
        try:
            process = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise BuildError(
                Reason.BUILDER_FAILED, f"{command[0]} cannot be started: {error.strerror}."
            ) from error
        self._running.add(process)
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """End a program and what it started."""
        self._end([process])
        if process.stdout is not None:
            process.stdout.close()

    def stop_all(self) -> None:
        """End every program. May be called from a signal handler."""
        self._end(list(self._running))

    def _end(self, processes: list[subprocess.Popen[bytes]]) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            left = [one for one in processes if one.poll() is None]
            if not left:
                break
            for one in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(one.pid, number)
            end = time.monotonic() + _STOP_SECONDS
            while any(one.poll() is None for one in left) and time.monotonic() < end:
                time.sleep(0.02)
        for one in processes:
            # What it left behind in its group
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(one.pid, signal.SIGKILL)
            self._running.discard(one)


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Give the lines of a stream; a very long one comes in pieces, one that was written over as its last state."""
    while line := stream.readline(_LONGEST_LINE):
        yield line.decode("utf-8", "replace").rstrip("\r\n").rpartition("\r")[2]
