"""A log as plain text."""

from collections.abc import AsyncIterator, Iterable

from fastapi.responses import StreamingResponse

from serviceexecution.gateway.logs.events import LOG_HEADERS
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore


async def log_text(
    store: ResultStore, reference: ExecutionReference, attempts: Iterable[int], *, timestamps: bool
) -> StreamingResponse:
    """Return the answer with all lines so far of the attempts, one after the other; raises StoreError."""
    listed = [(attempt, await store.logs.of(reference, attempt).sizes()) for attempt in attempts]

    async def text() -> AsyncIterator[bytes]:
        for attempt, chunks in listed:
            for sequence, _ in chunks:
                data = await store.logs.of(reference, attempt).read(sequence)
                yield data if timestamps else without_timestamps(data)

    return StreamingResponse(text(), media_type="text/plain; charset=utf-8", headers=LOG_HEADERS)


def without_timestamps(data: bytes) -> bytes:
    """Return whole lines "<RFC 3339 time> text" without the times."""
    return b"\n".join(line.partition(b" ")[2] for line in data.split(b"\n"))
