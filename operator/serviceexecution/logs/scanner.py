"""Looks for printed results in blocks of log lines; the rules are in ``contract.stdout_results``. Pure."""

from typing import Final

from serviceexecution.contract.stdout_results import StdoutResultScanner

_HINT: Final = b"PlanQK:Job:"


class LogScanner:
    """Feeds a StdoutResultScanner with the lines that can matter, since most logs have none."""

    def __init__(self) -> None:
        # Interim results are the gateway's: parsed here, those of one program would take all of the event loop.
        self._scanner = StdoutResultScanner(interim_limit=-1)

    def feed(self, block: bytes) -> None:
        """Take the next lines of the log, each "<RFC 3339 time> text\\n"."""
        if not self._scanner.inside and _HINT not in block:
            return
        for line in block.split(b"\n")[:-1]:
            if self._scanner.inside or _HINT in line:
                self._scanner.feed(line.partition(b" ")[2].decode(errors="replace"))

    @property
    def bytes_to_parse(self) -> int:
        """How much is parsed when ``result`` or ``problem`` is asked for the first time."""
        return self._scanner.candidate_bytes

    def outcome(self) -> tuple[bytes | None, str | None]:
        """Return ``result`` and ``problem``."""
        return self.result, self.problem

    @property
    def result(self) -> bytes | None:
        """The main result that was printed, final after the last line."""
        result = self._scanner.result
        return None if result is None else result.encode()

    @property
    def problem(self) -> str | None:
        """Why there is no result although the program tried to print one."""
        return self._scanner.problem
