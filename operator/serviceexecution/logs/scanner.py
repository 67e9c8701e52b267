"""Looks for printed results in blocks of log lines; the rules are in ``contract.stdout_results``. Pure."""

from typing import Final

from serviceexecution.contract.stdout_results import BLOCK_MARKER, StdoutResultScanner

_HINT: Final = b"PlanQK:Job:"
_MARKER: Final = BLOCK_MARKER.encode()


class LogScanner:
    """Feeds a StdoutResultScanner with the lines that can matter, since most logs have none."""

    def __init__(self) -> None:
        self._scanner = StdoutResultScanner()
        self._inside = False
        self._closed = False

    def feed(self, block: bytes) -> None:
        """Take the next lines of the log, each "<RFC 3339 time> text\\n"."""
        if not self._inside and _HINT not in block:
            return
        for line in block.split(b"\n")[:-1]:
            if not self._inside and _HINT not in line:
                continue
            text = line.partition(b" ")[2]
            self._scanner.feed(text.decode(errors="replace"))
            if not self._closed and text.strip() == _MARKER:
                self._closed = self._inside
                self._inside = not self._inside

    @property
    def result(self) -> bytes | None:
        """The main result that was printed, final after the last line."""
        result = self._scanner.result
        return None if result is None else result.encode()

    @property
    def problem(self) -> str | None:
        """Why there is no result although the program tried to print one."""
        return self._scanner.problem
