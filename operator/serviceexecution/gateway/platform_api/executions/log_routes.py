"""``GET …/logs``: the last lines of an execution's log."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from serviceexecution.fairness.work import THREADS
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.logs.events import LOG_HEADERS, entry_text
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.executions.log_tail import Chunks, Tail, find_tail, read_tail
from serviceexecution.gateway.platform_api.executions.pending import not_yet
from serviceexecution.gateway.platform_api.paths import EXECUTION
from serviceexecution.gateway.service_api.executions.result_lookup import refuse_expired

MOST_LINES: Final = 100_000
"""Most lines of one answer; the platform's own limit."""
_FEW_LINES: Final = 500
_LINES_AT_ONCE: Final = 5_000
"""Converted in a thread in one go, in some 20 ms."""


def log_router(context: PlatformContext) -> APIRouter:
    """Return the route."""
    router = platform_router()
    store = context.services.store

    @router.get(f"{EXECUTION}/logs")
    async def get_logs(request: Request, namespace: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, api_id, subresource="log")
        raw, limit = request.query_params.get("raw", "").lower() == "true", _limit(request)
        execution = call.execution
        await refuse_expired(store, execution)
        log = store.logs.of(execution.reference, execution.attempts or 1)
        tail = await find_tail(log, limit)
        if not tail.sequences and not execution.has_ended:
            return not_yet()
        if raw:
            return StreamingResponse(
                _text(log, tail), media_type="text/plain; charset=utf-8", headers=LOG_HEADERS
            )
        return StreamingResponse(
            _document(namespace, log, tail), media_type="application/json", headers=LOG_HEADERS
        )

    return router


async def _text(log: Chunks, tail: Tail) -> AsyncIterator[bytes]:
    async for lines in read_tail(log, tail):
        yield "".join(f"{line.partition(' ')[2]}\n" for line in lines).encode()


async def _document(namespace: str, log: Chunks, tail: Tail) -> AsyncIterator[bytes]:
    """Give the object that the client takes, with all lines as a further member, which comes first."""
    first, last = "", ""
    yield b'{"content":['
    async for lines in read_tail(log, tail):
        async for entries in entries_of(namespace, lines):
            separator = "," if first else ""
            first, last = first or entries[0], entries[-1]
            yield (separator + ",".join(entries)).encode()
    yield b"]," + (f'"empty":false,"first":{first},"last":{last}}}' if first else '"empty":true}').encode()


async def entries_of(namespace: str, lines: list[str]) -> AsyncIterator[list[str]]:
    """Give stored lines as log entries (JSON texts), some at a time."""
    for start in range(0, len(lines), _LINES_AT_ONCE):
        some = lines[start : start + _LINES_AT_ONCE]
        yield _entries(some) if len(some) < _FEW_LINES else await THREADS.run(namespace, _entries, some)


def _entries(lines: list[str]) -> list[str]:
    return [entry_text(line) for line in lines]


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(MOST_LINES))
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) >= 1):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "InvalidParameter",
            f"The parameter limit must be a whole number from 1 to {MOST_LINES}.",
            members={"path": "limit"},
        )
    return min(int(text), MOST_LINES)
