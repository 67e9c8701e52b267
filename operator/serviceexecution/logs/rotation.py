"""Whether a log goes on without a gap where the kubelet has begun a new file. Pure.

The kubelet looks for files to rotate every ten seconds, and its API gives only the newest file. A stream goes on in the
newest file once it has come to the end of an old one. Lines can therefore be lost between two streams, and inside of a
stream that was behind by a whole file. Nobody says so: it is worked out here from the times of the lines, and from what
the kubelet answered when it was asked for its last line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serviceexecution.logs.lines import last_line, seconds_between, stamp_of
from serviceexecution.logs.stream_read import AT_END_SECONDS, StreamEnd, StreamRead
from serviceexecution.logs.timing import STUCK_PROBES

ROTATION_SECONDS: Final = 9.0
"""A little less than the kubelet's containerLogMonitorInterval of 10 s: no file is rotated away sooner."""
SLOW_SECONDS: Final = 1.0
"""A stream that gave nothing for some seconds may have been slow. More than that between the last line before and the
first after is then taken for lines that it did not give."""
BEGINNING_BYTES: Final = 200
"""So much of a line is remembered to know it again, its time included."""
_STEP_BACK: Final = -1.0
"""Seconds: a line that is younger than now was stamped by a clock that has been set back since."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What to take of a log across a rotation."""

    block: bytes
    gap: bool = False
    """Whether lines may be missing before it."""
    torn: bytes = b""
    """The first line as the new file has it, when it was only the end of a line."""


class NodeClock:
    """State owner of what is known of the clock that stamps a log, from lines and when they came."""

    def __init__(self) -> None:
        self._least: float | None = None

    def heard(self, line: bytes, now: datetime) -> None:
        """Note a line that has come at ``now`` of our clock."""
        stamp = stamp_of(line)
        if stamp is not None:
            lag = (now - stamp[0]).total_seconds()
            self._least = lag if self._least is None else min(self._least, lag)

    def age(self, line: bytes, now: datetime) -> float:
        """Return for how many seconds a line is there at most, if its clock is not behind ours; infinity if unknown."""
        stamp = stamp_of(line)
        if stamp is None or self._least is None:
            return float("inf")
        age = (now - stamp[0]).total_seconds() + max(0.0, -self._least)
        return age if age >= _STEP_BACK else float("inf")

    def is_before(self, line: bytes, then: datetime) -> bool:
        """Tell whether a line was surely printed before ``then``, whatever the difference of the clocks."""
        stamp = stamp_of(line)
        if stamp is None or self._least is None:
            return False
        return (then - stamp[0]).total_seconds() >= self._least


def across_rotation(
    block: bytes, newest: bytes, *, before: StreamRead | None, clock: NodeClock, ended: bool
) -> Joined:
    """Judge a log that goes on with none of the known lines: the kubelet has begun a new file.

    ``newest`` is the newest known line, ``before`` the opening before this one, ``ended`` whether the container has.
    """
    half = b"" if before is None else before.unfinished
    if before is not None and _goes_on(block, newest, before, clock, ended=ended):
        if not half:
            return Joined(block)
        return Joined(half + block.partition(b" ")[2], torn=block.partition(b"\n")[0])
    if newest and block.startswith(newest):  # The line that filled the log to its limit was cut
        return Joined(block)
    return Joined(half + b"\n" + block if half else block, gap=True)


def _goes_on(block: bytes, newest: bytes, before: StreamRead, clock: NodeClock, *, ended: bool) -> bool:
    """Tell whether the stream had read the old file to its end, and no other file was between."""
    if before.left_at_new_file:
        return True
    between = seconds_between(before.unfinished or newest, block)
    proven = before.was_at_end_within(ROTATION_SECONDS)
    if (
        before.end is StreamEnd.SILENT and before.probes >= STUCK_PROBES
    ):  # It stood while there were newer lines
        return proven or between <= SLOW_SECONDS
    if before.end not in {StreamEnd.CLEAN, StreamEnd.SILENT}:
        return False
    if before.at_end_of != newest and (not ended or before.idle >= AT_END_SECONDS):
        return False  # The kubelet ends a stream where its file ends, at once when the container has ended
    # What was printed after the stream's end is in the new file only if that had begun by then.
    if not ended and (before.ended_at is None or not clock.is_before(block, before.ended_at)):
        return False
    return proven or between < ROTATION_SECONDS


def ends_whole(
    newest: bytes, *, last: StreamRead | None, clock: NodeClock, before: bool, large: bool
) -> bool:
    """Tell whether nothing is missing at the end of a log whose newest file shows no line of it.

    ``last`` is the last opening, ``newest`` the newest known line, ``before`` the answer for the opening before, which
    holds when nothing came since. ``large`` says that the log is long enough to be rotated.
    """
    if last is None or last.end not in {StreamEnd.CLEAN, StreamEnd.SILENT}:
        return False
    if last.was_at_end_within(ROTATION_SECONDS) or (before and not last.new_lines):
        return True
    if last.idle >= AT_END_SECONDS and not large:
        return True
    return last.ended_at is not None and clock.age(newest, last.ended_at) < ROTATION_SECONDS


def begins_again(block: bytes, beginning: bytes) -> int | None:
    """Return where in a block the line comes whose first bytes are ``beginning``, None where it does not."""
    if not beginning or beginning not in block:
        return None
    if block.startswith(beginning):
        return 0
    position = block.find(b"\n" + beginning)
    return None if position < 0 else position + 1


def jumps(block: bytes, newest: bytes) -> Iterator[int]:
    """Give where in a block lines begin before which nothing was printed for so long that a file may be missing."""
    first = block[: block.find(b"\n")]
    if newest and seconds_between(newest, first) >= ROTATION_SECONDS:
        yield 0
    if seconds_between(first, last_line(block)) < ROTATION_SECONDS:
        return  # The usual case: a block of many lines spans much less
    position, previous = len(first) + 1, first
    while position < len(block):
        end = block.index(b"\n", position)
        line = block[position:end]
        if seconds_between(previous, line) >= ROTATION_SECONDS:
            yield position
        position, previous = end + 1, line
