"""One opening of a log, and how it ended."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serviceexecution.logs.lines import LineSplitter, NewLines

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
    follows: bool = False
    """Whether it stayed open at the end of the file, from where the kubelet goes on in the newest one."""
    refused: bool = False
    """The API server or the kubelet said that there is no such log."""
    new_lines: int = 0
    new_bytes: int = 0
    probes: int = 0
    """How often the kubelet was asked for its last line since something came, and had newer ones."""
    idle: float = 0.0
    """For how many seconds nothing had come when the stream ended."""
    ended_at: datetime | None = None

    catches_up: bool = False
    """Whether it only took what was there, and there may be much more by now."""

    proven_at: datetime | None = None
    """When the kubelet's last line was the last one that had come: the stream was at the end of the newest file."""
    left_at_new_file: bool = False
    """Whether it was left since the newest file was a new and empty one: the next stream begins there."""
    at_end_of: bytes = b""
    """That last line."""
    jumped_to: bytes = b""
    """Beginning of the last line that came so long after the one before that a file may be between."""
    same_file_until: bytes = b""
    """A line up to which all that the stream brings is in the newest file."""

    unfinished: bytes = b""
    """The last line when it has no line end: maybe the log's last words, maybe half a line."""
    unfinished_is_new: bool = False

    def was_at_end_within(self, seconds: float) -> bool:
        """Tell whether it was seen at the end of the newest file so shortly before it ended."""
        if self.proven_at is None or self.ended_at is None:
            return False
        return (self.ended_at - self.proven_at).total_seconds() < seconds
