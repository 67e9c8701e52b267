"""A kept log line by line, while it still grows and after its end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore

POLL_SECONDS: Final = 1.0
"""How often a growing log is looked at; the controller stores new lines within two seconds."""

Ended = Callable[[], Awaitable[bool]]
"""Tells whether no line comes any more: one that never ran has no log at all."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a log: so many lines of that chunk have been read, and all chunks before it.

    Chunks only grow at their end, so that a position keeps its meaning for ever.
    """

    chunk: int = 1
    lines: int = 0

    @override
    def __str__(self) -> str:
        """Return the form that an event's id has."""
        return f"{self.chunk}-{self.lines}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Return the position of an event's id; the log's start when it is none of ours."""
        chunk, _, lines = text.partition("-")
        if chunk.isascii() and chunk.isdecimal() and lines.isascii() and lines.isdecimal() and len(text) < 32:
            return cls(max(1, int(chunk)), int(lines))
        return cls()


@dataclass(frozen=True, slots=True)
class Lines:
    """Consecutive stored lines ``<RFC 3339 time> text``, and the position behind the last."""

    texts: tuple[str, ...]
    first: Position
    """Behind the first line."""
    prefix: str = ""
    """What stands before the positions in the ids of events."""

    @property
    def end(self) -> Position:
        """Return the position behind the last line."""
        return Position(self.first.chunk, self.first.lines + len(self.texts) - 1)


@dataclass(slots=True)
class LogReader:
    """Reads one attempt's log from a position on; each pass gives what is new."""

    store: ResultStore
    reference: ExecutionReference
    attempt: int
    position: Position = Position()
    _size: int = 0

    async def new_lines(self) -> AsyncIterator[Lines]:
        """Give the lines that are stored now; raises StoreError."""
        for sequence, size in await self.store.logs.of(self.reference, self.attempt).sizes():
            here = sequence == self.position.chunk
            if sequence < self.position.chunk or (here and size == self._size):
                continue
            data = await self.store.logs.of(self.reference, self.attempt).read(sequence)
            skipped = self.position.lines if here else 0
            texts = data.decode(errors="replace").split("\n")[skipped:-1]
            self._size = len(data)
            if texts:
                yield Lines(tuple(texts), Position(sequence, skipped + 1))
                self.position = Position(sequence, skipped + len(texts))

    async def is_complete(self) -> bool:
        """Tell whether the log has its commit record: no line comes any more."""
        record = await self.store.logs.read_record(self.reference)
        return record is not None and record.attempt >= self.attempt


async def followed(
    reader: LogReader, *, ended: Ended, draining: asyncio.Event
) -> AsyncIterator[Lines | None]:
    """Give lines as they come, None after each look that found nothing; ends with the log or when ``draining``.

    Raises StoreError, and what ``ended`` raises.
    """
    while True:
        last = await ended() or await reader.is_complete()
        found = False
        async for lines in reader.new_lines():
            found = True
            yield lines
        if last or draining.is_set():
            return
        if not found:
            yield None
        await pause(draining)


async def pause(draining: asyncio.Event) -> None:
    """Wait until the next look, or until the process is about to end."""
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await draining.wait()
    except TimeoutError:
        return
