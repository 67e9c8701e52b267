"""Results that a program prints instead of writing ``output.json``.

Source: the runtime interface ("Only the first occurrence of the PlanQK:Job:MultilineResult block will be
considered … must be a valid JSON object") and the platform's older samples (``PlanQK:Job:Result: {…}``, the
first counts; ``PlanQK:Job:InterimResult: {…}`` while running).

The block wins over the one-line form wherever they stand, since only the block is part of today's interface;
and a block that is no JSON object gives no result at all, also when such a line is there: rather none than a
stale one.
"""

import re
from collections import deque
from typing import Final

from serviceexecution.contract.json_text import is_object

BLOCK_MARKER: Final = "PlanQK:Job:MultilineResult"
RESULT_PREFIX: Final = "PlanQK:Job:Result:"
INTERIM_PREFIX: Final = "PlanQK:Job:InterimResult:"

RESULT_LIMIT: Final = 1024 * 1024
"""Most bytes of a printed result; larger ones belong into ``output.json``."""

INTERIM_LIMIT: Final = 256 * 1024
"""Most bytes of all interim results that are remembered together: the newest."""

INTERIM_COUNT: Final = 4096
"""Most interim results that are remembered: each costs more than its bytes."""

_COMMON: Final = "PlanQK:Job:"
_NO_OBJECT_IN_BLOCK: Final = (
    f"The lines between the two lines {BLOCK_MARKER} are not a valid JSON object (a line of standard error can get "
    "between them); write the result to output.json."
)
_NO_OBJECT_IN_LINE: Final = (
    f"What follows {RESULT_PREFIX} is not a valid JSON object; write the result to output.json."
)
_MISPLACED: Final = (
    f"A line of the log has {_COMMON} behind other text, so that it is no result; print it at the beginning of a line, "
    "or write the result to output.json."
)
_CONTROLS: Final = re.compile(r"\x1b\[[0-9;:?]{0,32}[@-~]")
"""Colours and movements of the cursor."""


class StdoutResultScanner:
    """Looks for results in a log that is fed to it line by line, in bounded memory.

    ``result`` is final only after the last line: until then a block may still come and win over a ``Result:``
    line. Whether it is JSON is seen when it is asked for: to parse a megabyte takes a third of a second.
    """

    def __init__(self, *, limit: int = RESULT_LIMIT, interim_limit: int = INTERIM_LIMIT) -> None:
        self._limit = limit
        self._interim_limit = interim_limit
        self._lines: bytearray | None = None
        """What stands in an open block: bytes, since an object for each short line would take a multiple."""
        self._size = 0
        self._block_seen = False
        self._block: str | None = None
        self._block_problem: str | None = None
        self._line_seen = False
        self._judged = True
        """Whether what counts so far was parsed."""
        self._line: str | None = None
        self._line_problem: str | None = None
        self._misplaced = False
        """Whether a line has the words of a result behind other text, as a logger writes them."""
        self._interim: deque[str] = deque()
        self._interim_size = 0

    def feed(self, line: str) -> None:
        """The next line of the log, without the API's timestamp; its line end may be there or not."""
        if _COMMON in line:
            text = _as_shown(line)
            if text == BLOCK_MARKER:
                self._marker()
                return
            # Such a line cannot be part of a JSON object, so that inside a block it comes from another thread
            if text.startswith(RESULT_PREFIX):
                self._result_line(text[len(RESULT_PREFIX) :].strip())
                return
            if text.startswith(INTERIM_PREFIX):
                self._interim_line(text[len(INTERIM_PREFIX) :].strip())
                return
            behind = text.partition(RESULT_PREFIX)[2].lstrip()
            self._misplaced = self._misplaced or behind.startswith("{") or text.endswith(BLOCK_MARKER)
        if self._lines is not None:
            kept = _encoded(line.rstrip("\r\n"))
            self._size += len(kept) + 1
            if self._size > self._limit + 1:  # The last line end does not count
                self._lines.clear()
            else:
                self._lines += kept + b"\n"

    @property
    def result(self) -> str | None:
        """JSON text of the main result, or None."""
        self._judge()
        return self._block if self._block_seen else self._line

    @property
    def candidate_bytes(self) -> int:
        """How much there is to parse for ``result`` and ``problem``."""
        text = self._block if self._block_seen else self._line
        return 0 if text is None or self._judged else _bytes(text)

    @property
    def problem(self) -> str | None:
        """Why there is no result although the program tried to print one; a sentence for the user."""
        self._judge()
        if self._block_seen:
            return self._block_problem
        if self._line_seen:
            return self._line_problem
        if self._lines is not None:
            return f"The log has a line {BLOCK_MARKER} that opens a result, but no second one that closes it."
        return _MISPLACED if self._misplaced else None

    @property
    def inside(self) -> bool:
        """Tell whether the next line may stand in the block that counts."""
        return self._lines is not None

    @property
    def last_interim(self) -> str | None:
        """JSON text of the newest interim result, or None."""
        return self._interim[-1] if self._interim else None

    @property
    def interim(self) -> tuple[str, ...]:
        """JSON texts of the newest interim results, oldest first: at most 4,096, and ``interim_limit`` bytes in all."""
        return tuple(self._interim)

    def _marker(self) -> None:
        if self._block_seen:
            return  # Only the first block counts
        if self._lines is None:
            self._lines, self._size = bytearray(), 0
            return
        text = self._lines.decode("utf-8", "surrogatepass").strip()
        too_large = self._size > self._limit + 1
        self._lines = None
        self._block_seen, self._judged = True, False
        if too_large:
            self._block_problem = (
                f"The printed result is larger than {self._limit:,} bytes; write it to output.json."
            )
        else:
            self._block = text

    def _result_line(self, text: str) -> None:
        if self._line_seen:
            return  # Only the first counts
        self._line_seen, self._judged = True, False
        if _bytes(text) > self._limit:
            self._line_problem = (
                f"The printed result is larger than {self._limit:,} bytes; write it to output.json."
            )
        else:
            self._line = text

    def _judge(self) -> None:
        """Parse what counts as the result by now, once."""
        if self._judged:
            return
        self._judged = True
        if self._block_seen:
            if self._block is not None and not is_object(self._block):
                self._block, self._block_problem = None, _NO_OBJECT_IN_BLOCK
        elif self._line is not None and not is_object(self._line):
            self._line, self._line_problem = None, _NO_OBJECT_IN_LINE

    def _interim_line(self, text: str) -> None:
        size = _bytes(text)
        if size > self._interim_limit or not is_object(text):
            return
        self._interim.append(text)
        self._interim_size += size
        while self._interim_size > self._interim_limit or len(self._interim) > INTERIM_COUNT:
            self._interim_size -= _bytes(self._interim.popleft())


def _as_shown(line: str) -> str:
    """Return a line that has words of ours as a terminal shows it: without what was written over before them.

    Programs that draw their progress go back to the line's beginning with a carriage return; .NET and PowerShell begin
    their output with a byte order mark.
    """
    text = line[line.rfind("\r", 0, line.index(_COMMON)) + 1 :]
    if "\x1b" in text:
        text = _CONTROLS.sub("", text)
    return text.strip().removeprefix("\ufeff").lstrip()


def _bytes(text: str) -> int:
    return len(_encoded(text))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
