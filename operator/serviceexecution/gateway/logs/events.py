"""A log as Server-Sent Events: one event a line, whose id tells where to go on after a cut."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from fastapi import Request

from serviceexecution.contract.log_entries import log_entry
from serviceexecution.gateway.logs.reader import Lines, Position

HEARTBEAT_LOOKS: Final = 10
"""Looks without a new line after which a comment keeps proxies from closing the stream."""

_LINES_AT_ONCE: Final = 500
"""Converted in one go, in some milliseconds; then others have their turn."""
_CHARACTERS_AT_ONCE: Final = 128 * 1024
"""The same, of long lines; one line at least."""

LOG_HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
_TRUE: Final = frozenset({"", "1", "true", "yes"})


def wants_stream(request: Request) -> bool:
    """Tell whether the client asks for Server-Sent Events."""
    return flag(request, "follow") or "text/event-stream" in request.headers.get("accept", "")


def flag(request: Request, name: str) -> bool:
    """Tell whether a query parameter is set: ``?follow``, ``?follow=true``."""
    value = request.query_params.get(name)
    return value is not None and value.lower() in _TRUE


def last_event_id(request: Request) -> str:
    """Return the id of the last event that the client has seen, "" when it begins."""
    return request.headers.get("last-event-id", "")


def entry_text(stored: str) -> str:
    """Return a stored line as the API's log entry, as JSON text."""
    entry = log_entry(stored)
    value = {"message": entry.message, "severity": entry.severity, "timestamp": entry.timestamp}
    return json.dumps(value, ensure_ascii=False)


async def events(lines: AsyncIterator[Lines | None], ending: asyncio.Event) -> AsyncIterator[bytes]:
    """Give each line as an event, and an event ``end`` behind the last unless ``ending`` is set before it came."""
    yield b": the log\n\n"
    silent = 0
    async for batch in lines:
        if batch is not None:
            silent = 0
            for start, end in pieces(batch.texts, _LINES_AT_ONCE):
                yield _batch(batch, start, end)
                await asyncio.sleep(0)
            continue
        silent += 1
        if silent % HEARTBEAT_LOOKS == 0:
            yield b": still there\n\n"
    if not ending.is_set():
        yield b"event: end\ndata: {}\n\n"


def pieces(texts: Sequence[str], lines: int) -> Iterator[tuple[int, int]]:
    """Give start and end of pieces of at most so many lines, and of no more characters than take some milliseconds."""
    start = size = 0
    for number, text in enumerate(texts):
        if number > start and (number - start == lines or size + len(text) > _CHARACTERS_AT_ONCE):
            yield start, number
            start, size = number, 0
        size += len(text)
    if start < len(texts):
        yield start, len(texts)


def _batch(lines: Lines, start: int, end: int) -> bytes:
    first = lines.first
    return "".join(
        f"id: {lines.prefix}{Position(first.chunk, first.lines + number)}\ndata: {entry_text(text)}\n\n"
        for number, text in enumerate(lines.texts[start:end], start)
    ).encode()
