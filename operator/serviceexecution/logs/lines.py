"""Lines of a container's log as the API gives them, "<RFC 3339 time> text": cutting, times, overlaps. Pure."""

import re
from array import array
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol

from serviceexecution.logs.memory import FREE_LINE_BYTES

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""Longer lines are cut, so that a program that prints no line ends cannot fill our memory."""

RESUME_SLACK: Final = timedelta(seconds=1)
"""Standard output and error are stamped apart, so that neighbours can be out of order by a little."""

_STAMP: Final = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)(?: |$)")


class LineSplitter:
    """Makes blocks of whole lines from chunks cut anywhere; holds at most one line.

    ``room`` is asked before a line gets longer than usual: whether so many bytes of it may be held.
    """

    def __init__(
        self, max_line: int = MAX_LINE_BYTES, *, room: Callable[[int], bool] = lambda _: True
    ) -> None:
        self._max_line = max_line
        self._room = room
        self._rest = bytearray()
        self.cut = False
        """Whether a line was too long and lost its end."""

    @property
    def rest(self) -> bytes:
        """The begun line after the last line end."""
        return bytes(self._rest)

    def take_rest(self) -> bytes:
        """Return the begun line and hold it no more."""
        rest = self.rest
        self._rest = bytearray()
        return rest

    def feed(self, chunk: bytes) -> bytes:
        """Return all lines that this chunk ends, each with its line end; maybe none."""
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            self._keep(tail)
            return b""
        block = head + b"\n"
        if self._rest:
            first, _, others = block.partition(b"\n")
            self._keep(first)
            block = bytes(self._rest) + b"\n" + others
            self._rest.clear()
        self._keep(tail)
        return block

    def _keep(self, piece: bytes) -> None:
        most = self._max_line
        wanted = min(len(self._rest) + len(piece), most)
        if wanted > FREE_LINE_BYTES and not self._room(wanted):
            most = max(len(self._rest), FREE_LINE_BYTES)
        if len(self._rest) + len(piece) > most:
            self.cut = True
            piece = piece[: most - len(self._rest)]
        self._rest += piece


def text_size(block: bytes) -> int:
    """Return the bytes of a block of lines without the times and the blanks after them, with the line ends."""
    lines = block.split(b"\n")
    lines.pop()
    # A line without a blank is an empty one ("time"): find gives -1, and the whole line is its time.
    stamps = sum([position if (position := line.find(b" ") + 1) else len(line) for line in lines])
    return len(block) - stamps


def only_stamped(block: bytes) -> tuple[bytes, list[bytes]]:
    """Return the block's lines that begin with a time, and the others.

    The kubelet mixes words of its own into a log ("failed to create fsnotify watcher: too many open files",
    "unable to retrieve container logs for …"): they have no time.
    """
    if block.startswith(b"20") and block.count(b"\n20") == block.count(b"\n") - 1:
        return block, []  # The usual case, much faster; "20" begins the years to 2099
    lines = block.split(b"\n")
    lines.pop()
    foreign = [line for line in lines if not _STAMP.match(line)]
    if not foreign:
        return block, []
    return b"".join(line + b"\n" for line in lines if _STAMP.match(line)), foreign


def stamp_of(line: bytes) -> tuple[datetime, bytes] | None:
    """Return a line's time as (whole second, digits after the point), comparable, or None when it has none."""
    found = _STAMP.match(line)
    if found is None:
        return None
    return _second(found[1], found[3]), (found[2] or b".").ljust(10, b"0")


@lru_cache(maxsize=64)
def _second(text: bytes, zone: bytes) -> datetime:
    return datetime.fromisoformat((text + zone).decode()).astimezone(UTC)


def seconds_between(line: bytes, later: bytes) -> float:
    """Return the time between two lines in whole seconds, infinity when one has no time."""
    first, second = stamp_of(line), stamp_of(later)
    if first is None or second is None:
        return float("inf")
    return (second[0] - first[0]).total_seconds()


def is_not_later(line: bytes, than: bytes) -> bool:
    """Tell whether both lines have times, and the first one's is not after the second one's."""
    first, second = stamp_of(line), stamp_of(than)
    return first is not None and second is not None and first <= second


def last_line(block: bytes) -> bytes:
    """Return the last line of a block without its line end; b"" of an empty block."""
    return block[block.rfind(b"\n", 0, -1) + 1 : -1]


class NewLines(Protocol):
    """Leaves out, at the start of a resumed log, what is known already."""

    @property
    def disjoint(self) -> bool:
        """Whether a log that should begin with known lines begins with another one."""

    def without_known(self, block: bytes) -> bytes:
        """Return the part of the next block that is new."""

    def held_back(self) -> bytes:
        """Return, at the end of the stream, a line that was held back until the next and is new."""


class NewerLines:
    """Only by time, for a log beyond its limit, whose lines are not kept to compare with."""

    def __init__(self, newest: bytes) -> None:
        """``newest`` is the newest known line."""
        self._newest = stamp_of(newest)
        self.disjoint = False
        """Never: what is not kept has no gaps."""

    def without_known(self, block: bytes) -> bytes:
        """Return the block from its first line on that is younger than the newest known one."""
        position = 0
        while self._newest is not None and position < len(block):
            end = block.index(b"\n", position)
            stamp = stamp_of(block[position:end])
            if stamp is not None and stamp > self._newest:
                self._newest = None
                break
            position = end + 1
        return block[position:]

    def held_back(self) -> bytes:
        """Return nothing."""
        return b""


def line_hashes(lines: Iterable[bytes]) -> "array[int]":
    """Return what ``KnownTail`` compares, for lines without line ends; good within this process only."""
    return array("q", [hash(line) for line in lines])


class KnownTail:
    """Recognises, at the start of a resumed log, the lines that are known already.

    The API resumes by whole seconds, and several lines can have the same time and text. What comes is the end
    of what we know (all of it since that second, or less when the kubelet rotated the file), then what is
    new; the longest such overlap is taken. Holds eight bytes per line.

    At a rotation containerd tears the line that is being written: its head stays in the old file, its end is
    the first line of the new one, with a time of its own. A reader who goes on from the old file to the new gets
    it whole; one who resumes in the new file gets only the end.
    """

    def __init__(self, known: "array[int]", torn: bytes = b"") -> None:
        """``known`` are the hashes of all known lines from the second that the log is resumed at.

        ``torn`` is the end of a torn line as the new file has it, when the whole line is known.
        """
        self._known = known
        self._torn = torn
        self._first: bytes | None = None
        self._seen = array("q")
        self._start = 0
        self._done = not self._known
        self.disjoint = False

    def without_known(self, block: bytes) -> bytes:
        """Return the part of the block that is new."""
        position = 0
        while not self._done and position < len(block):
            end = block.index(b"\n", position)
            line = block[position:end]
            if self._matches(hash(line)):
                self._first = None  # The end of a torn line, which is known as a whole
            elif self._seen:
                self._done = True
                break
            elif self._first is None:
                self._first = line  # The next line tells
            else:
                return self.held_back() + block[position:]
            position = end + 1
        return block[position:] if position else block

    def held_back(self) -> bytes:
        """Return a first line that was held back and is new after all; then all that follows is new."""
        if self._first is None:
            return b""
        first, self._first, self._done = self._first, None, True
        if first == self._torn:
            return b""
        self.disjoint = True
        return first + b"\n"

    def _matches(self, line: int) -> bool:
        """Tell whether the next line is known: some end of the known lines begins with all that came so far."""
        count = len(self._seen)
        for start in range(self._start, len(self._known) - count + 1):
            if start != self._start and self._known[start : start + count] != self._seen:
                continue
            if start + count == len(self._known):
                return False  # The overlap is complete
            if self._known[start + count] == line:
                self._start = start
                self._seen.append(line)
                return True
        return False
