"""Places of a log where lines may be missing: a line that says so stands there. Pure.

The line's time has the zone ``+00:00``. The kubelet writes ``Z`` for UTC, so that no program can print such a line, and
a successor who reads the stored log knows each place.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from serviceexecution.logs.lines import stamp_of
from serviceexecution.store.records import LogGaps

_WORDS: Final = "WARNING: Lines may be missing"
_ROTATED: Final = " here: the node rotated its log file away before it was read, with "
_SET_BACK: Final = ": the node's clock was set back before they were read, with "
_MARK: Final = b"+00:00 " + _WORDS.encode()
_SPAN: Final = re.compile(rb"what was printed (?:between (\S+) and (\S+)|after (\S+)|before (\S+))\.$")


@dataclass(frozen=True, slots=True)
class Gap:
    """One place."""

    after: datetime | None
    """Time of the last line before it; None at the log's start."""
    before: datetime | None
    """Time of the first line after it; None at the log's end."""

    @property
    def seconds(self) -> float:
        """How long it lasted, as far as that is known."""
        if self.after is None or self.before is None:
            return 0.0
        return max(0.0, (self.before - self.after).total_seconds())


def gap_line(gap: Gap, *, set_back: bool = False) -> bytes:
    """Return the line that says it, with its line end; ``set_back``: the node's clock was, no file was rotated."""
    why = _SET_BACK if set_back else _ROTATED
    at = gap.before or gap.after or datetime.fromtimestamp(0, UTC)
    if gap.after is not None and gap.before is not None:
        span = f"between {_text(gap.after)} and {_text(gap.before)}"
    else:
        span = f"after {_text(at)}" if gap.before is None else f"before {_text(at)}"
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{stamp}+00:00 {_WORDS}{why}what was printed {span}.\n".encode()


def gap_between(known: bytes, first: bytes) -> Gap:
    """Return the gap between two lines, each b"" when there is none."""
    return Gap(_time(known), _time(first))


def is_gap_line(line: bytes) -> bool:
    """Tell whether a stored line says that lines are missing."""
    return line[26:].startswith(_MARK)


def gaps_in(block: bytes) -> list[Gap]:
    """Return the gaps that stored lines tell of."""
    if _MARK not in block:
        return []
    return [
        Gap(_parsed(span[1] or span[3]), _parsed(span[2] or span[4]))
        for line in block.split(b"\n")
        if is_gap_line(line) and (span := _SPAN.search(line)) is not None
    ]


def without_gaps(block: bytes) -> bytes:
    """Return only the program's lines of a block of stored ones."""
    if _MARK not in block:
        return block
    return b"".join(line + b"\n" for line in block.split(b"\n")[:-1] if not is_gap_line(line))


def summed_up(gaps: list[Gap]) -> LogGaps | None:
    """Return what the commit record says of a log's gaps."""
    if not gaps:
        return None
    first = gaps[0]
    seconds = sum(gap.seconds for gap in gaps)
    return LogGaps(count=len(gaps), seconds=seconds, first_after=first.after, first_before=first.before)


def _time(line: bytes) -> datetime | None:
    stamp = stamp_of(line)
    return None if stamp is None else stamp[0] + timedelta(microseconds=int(stamp[1][1:7].ljust(6, b"0")))


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _parsed(text: bytes | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.decode())
