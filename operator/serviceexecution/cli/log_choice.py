"""Which lines of a log somebody wants to see, and how. Pure."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Self

import typer

from serviceexecution.cli.client.log_entry import LogEntry
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.options import seconds_of

LogSinceOption = Annotated[
    str,
    typer.Option(
        "--since", metavar="DURATION", help="Only lines that are not older than this, such as 10m or 2h."
    ),
]
TailOption = Annotated[
    int | None,
    typer.Option(
        "--tail",
        metavar="NUMBER",
        min=0,
        help="Only this many lines at the end, of those that the other options leave.",
    ),
]
GrepOption = Annotated[
    str,
    typer.Option(
        "--grep",
        metavar="REGEX",
        help="Only lines in which this regular expression is found; (?i) ignores case.",
    ),
]
TimestampsOption = Annotated[bool, typer.Option("--timestamps", help="Begin each line with its time.")]


@dataclass(frozen=True, slots=True)
class LogChoice:
    """What options say of a log."""

    since: datetime | None = None
    tail: int | None = None
    grep: re.Pattern[str] | None = None
    timestamps: bool = False

    @classmethod
    def of(cls, since: str, tail: int | None, grep: str, *, timestamps: bool) -> Self:
        """Return the choice; raises CommandError that names the option."""
        seconds = seconds_of(since, option="--since")
        begin = None if seconds is None else datetime.now(UTC) - timedelta(seconds=seconds)
        try:
            pattern = re.compile(grep) if grep else None
        except re.error as error:
            raise CommandError(f"--grep: {grep!r} is no regular expression: {error}.") from None
        return cls(begin, tail, pattern, timestamps)

    @property
    def needs_times(self) -> bool:
        """Tell whether lines are of use only with their times."""
        return self.timestamps or self.since is not None

    def chosen(self, entries: Iterable[LogEntry]) -> Iterator[str]:
        """Give what to print of a log that is there."""
        lines = self._fitting(entries)
        return lines if self.tail is None else iter(deque(lines, self.tail))

    def followed(
        self, so_far: Callable[[], Iterable[LogEntry]], all_lines: Iterable[LogEntry]
    ) -> Iterator[str]:
        """Give what to print of a log that grows: of what is there only its end, and then what comes."""
        if self.tail is None:
            yield from self._fitting(all_lines)
            return
        there = list(so_far())
        yield from self.chosen(there)
        yield from self._fitting(islice(all_lines, len(there), None))

    def _fitting(self, entries: Iterable[LogEntry]) -> Iterator[str]:
        for entry in entries:
            if self.since is not None and not _is_after(entry["timestamp"], self.since):
                continue
            if self.grep is not None and self.grep.search(entry["message"]) is None:
                continue
            yield f"{entry['timestamp']} {entry['message']}" if self.timestamps else entry["message"]


def timed_entry(line: str) -> LogEntry:
    """Return the entry of a line that begins with its time."""
    stamp, _, message = line.partition(" ")
    return LogEntry(message=message, severity="", timestamp=stamp)


def plain_entry(line: str) -> LogEntry:
    """Return the entry of a line without a time."""
    return LogEntry(message=line, severity="", timestamp="")


def _is_after(stamp: str, begin: datetime) -> bool:
    try:
        return datetime.fromisoformat(stamp) >= begin  # More than six digits of a second are cut
    except (ValueError, TypeError):
        return True
