"""One opening of a log, and how it ended."""

import enum
from dataclasses import dataclass
from typing import Final

from serviceexecution.logs.lines import LineSplitter, NewLines, seconds_between

ROTATION_SECONDS: Final = 9.0
"""A little less than the kubelet's containerLogMonitorInterval of 10 s."""


class StreamEnd(enum.Enum):
    """How reading a stream ended; the values are those of the metric of resumes."""

    CLEAN = "stream ended"
    POLLED = "poll"
    ODD = "kubelet message"
    """With words of the kubelet's in it, so that lines may be missing."""
    SILENT = "silent"
    ERROR = "error"


@dataclass(slots=True)
class Pass:
    """What one stream brought."""

    splitter: LineSplitter
    new: NewLines
    end: StreamEnd = StreamEnd.ERROR
    opened: bool = False
    refused: bool = False
    """The API server or the kubelet said that there is no such log."""
    new_lines: int = 0
    new_bytes: int = 0

    unfinished: bytes = b""
    """The last line when it has no line end: maybe the log's last words, maybe half a line."""
    unfinished_is_new: bool = False


def across_rotation(block: bytes, *, last: bytes, half: bytes, end: StreamEnd | None) -> tuple[bytes, bool]:
    """Return what to take of a log that goes on with none of the known lines, and whether lines may be missing.

    The kubelet has begun a new file. Nothing is lost when the old file was read to its end (``end`` is how that
    stream ended) and no whole file was skipped: a file lives for at least the time between two looks of the
    kubelet's. ``last`` is the newest known line; ``half`` is what the old file ended with after it: the head
    of a line whose end the new file begins with.
    """
    at_end = end in {StreamEnd.CLEAN, StreamEnd.SILENT}
    if at_end and seconds_between(half or last, block) < ROTATION_SECONDS:
        return half + block.partition(b" ")[2] if half else block, False
    if block.startswith(last):  # the line that filled the log to its limit was cut
        return block, False
    return half + b"\n" + block if half else block, True
