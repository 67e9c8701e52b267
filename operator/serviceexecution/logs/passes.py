"""One opening of a log, and how it ended."""

import enum
from dataclasses import dataclass

from serviceexecution.logs.lines import LineSplitter


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
    end: StreamEnd = StreamEnd.ERROR
    refused: bool = False
    """The API server or the kubelet said that there is no such log."""
    new_lines: int = 0
    new_bytes: int = 0

    unfinished: bytes = b""
    """The last line when it has no line end: maybe the log's last words, maybe half a line."""
    unfinished_is_new: bool = False
