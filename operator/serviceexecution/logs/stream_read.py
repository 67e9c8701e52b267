"""One opening of a log, and how it ended."""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from serviceexecution.logs.lines import LineSplitter, NewLines, seconds_between, stamp_of

ROTATION_SECONDS: Final = 9.0
"""A little less than the kubelet's containerLogMonitorInterval of 10 s."""
AT_END_SECONDS: Final = 2.0
"""A stream that was silent for so long had come to the end of the file."""


class StreamEnd(enum.Enum):
    """How reading a stream ended; the values are those of the metric of resumes."""

    CLEAN = "stream ended"
    POLLED = "poll"
    ODD = "kubelet message"
    """With words of the kubelet's in it, so that lines may be missing."""
    SILENT = "silent"
    DEAD = "dead"
    """Silent although main has ended: the kubelet would have ended it."""
    ERROR = "error"


@dataclass(slots=True)
class StreamRead:
    """What one stream brought."""

    splitter: LineSplitter
    new: NewLines
    end: StreamEnd = StreamEnd.ERROR
    opened: bool = False
    refused: bool = False
    """The API server or the kubelet said that there is no such log."""
    new_lines: int = 0
    new_bytes: int = 0
    probes: int = 0
    """How often the kubelet was asked for its last line since something came."""
    idle: float = 0.0
    """For how many seconds nothing had come when the stream ended."""

    unfinished: bytes = b""
    """The last line when it has no line end: maybe the log's last words, maybe half a line."""
    unfinished_is_new: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """What to take of a log across a rotation."""

    block: bytes
    gap: bool = False
    """Whether lines may be missing before it."""
    torn: bytes = b""
    """The first line as the new file has it, when it was only the end of a line."""


def is_seamless(last: StreamRead | None, newest: bytes, *, before: bool) -> bool:
    """Tell whether a log that is opened now goes on where ``last`` ended, whatever the kubelet rotated.

    The old file must have been read to its end, and no whole file can have come and gone since: either the
    stream was waiting at the end, or the newest known line is younger than a file must be to be rotated.
    ``before`` is the answer for the opening before, which holds when nothing came since.
    """
    if last is None or last.end not in {StreamEnd.CLEAN, StreamEnd.SILENT}:
        return False
    if last.end is StreamEnd.SILENT or last.idle >= AT_END_SECONDS or (before and not last.new_lines):
        return True
    stamp = stamp_of(newest)
    return stamp is not None and (datetime.now(UTC) - stamp[0]).total_seconds() < ROTATION_SECONDS


def across_rotation(block: bytes, newest: bytes, *, before: StreamRead | None, seamless: bool) -> Joined:
    """Judge a log that goes on with none of the known lines: the kubelet has begun a new file.

    ``newest`` is the newest known line, ``before`` the opening before this one.
    """
    half = b"" if before is None else before.unfinished
    at_end = before is not None and before.end in {StreamEnd.CLEAN, StreamEnd.SILENT}
    if at_end and (seamless or seconds_between(half or newest, block) < ROTATION_SECONDS):
        if not half:
            return Joined(block)
        return Joined(half + block.partition(b" ")[2], torn=block.partition(b"\n")[0])
    if newest and block.startswith(newest):  # The line that filled the log to its limit was cut
        return Joined(block)
    return Joined(half + b"\n" + block if half else block, gap=True)
