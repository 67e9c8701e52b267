"""``GET /{id}/log``: all lines so far, or with ``?follow`` every line as it comes; interim results."""

from collections.abc import AsyncIterator
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from serviceexecution.fairness.work import SMALL_BYTES, THREADS
from serviceexecution.gateway.logs.attempts import (
    AttemptProgress,
    Place,
    asked_attempt,
    followed_attempts,
)
from serviceexecution.gateway.logs.events import (
    LOG_HEADERS,
    entry_text,
    flag,
    last_event_id,
    wants_stream,
)
from serviceexecution.gateway.logs.reader import LogReader
from serviceexecution.gateway.logs.streams import Standing
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.executions.interim_results import InterimResults
from serviceexecution.gateway.service_api.executions.result_lookup import refuse_expired
from serviceexecution.gateway.service_api.paths import EXECUTION
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.names import PLURAL

logger = structlog.stdlib.get_logger()
_FEW_LINES: Final = 500
_NEXT_ATTEMPT_LOOKS: Final = 10
"""Seconds for which the stream of a complete log waits for the execution's end, or for its next attempt."""
_LINES_AT_ONCE: Final = 5_000
"""Converted in a thread in one go, in some 20 ms."""


def log_router(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter(redirect_slashes=False)
    interim = InterimResults(context.store)

    @router.get(f"{EXECUTION}/log")
    async def get_log(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, service, api_id, subresource="log")
        execution = call.execution
        await refuse_expired(context.store, execution)
        made = execution.attempts or 1
        attempt = asked_attempt(request, made)

        async def progress() -> AttemptProgress:
            try:  # Of one that is not known here, only the API server knows whether it is gone
                known = await context.state.execution(namespace, service, call.api_id)
            except KubernetesError as error:  # Asked again later; the stream goes on meanwhile
                logger.warning("cannot see whether an execution is over", error=str(error))
                return AttemptProgress(made, over=False)
            if known is None:
                return AttemptProgress(made, over=True)
            # With an attempt that was asked for, the others do not follow.
            now = max(known.attempts or 1, attempt)
            only = "attempt" in request.query_params and now > attempt
            waits = known.phase is Phase.PENDING
            return AttemptProgress(attempt if only else now, over=only or known.has_ended, waits=waits)

        if wants_stream(request):
            place = Place.parse(last_event_id(request), plain=True)
            begins = (
                place.attempt <= attempt
                if "attempt" not in request.query_params
                else place.attempt == attempt
            )
            start = place if begins and last_event_id(request) else Place(attempt)
            standing = Standing("get", PLURAL, "log", namespace, execution.name)
            return context.streams.follow(
                request,
                standing,
                lambda ending: followed_attempts(
                    context.store,
                    execution.reference,
                    start,
                    progress=progress,
                    draining=ending,
                    plain=True,
                    patience=_NEXT_ATTEMPT_LOOKS,
                ),
            )
        reader = LogReader(context.store, execution.reference, attempt)
        return StreamingResponse(_array(reader), media_type="application/json", headers=LOG_HEADERS)

    @router.get(f"{EXECUTION}/interim-results")
    async def get_interim_results(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, service, api_id, subresource="results")
        await refuse_expired(context.store, call.execution)
        found = await interim.read(call.execution.reference, call.execution.attempts or 1)
        newest = found[-1] if found else "{}"
        text = newest if flag(request, "last") else f"[{','.join(found)}]"
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-cache"})

    return router


async def _array(reader: LogReader) -> AsyncIterator[bytes]:
    separator = b"["
    async for lines in reader.new_lines():
        for start in range(0, len(lines.texts), _LINES_AT_ONCE):
            texts = lines.texts[start : start + _LINES_AT_ONCE]
            if len(texts) < _FEW_LINES and sum(map(len, texts)) < SMALL_BYTES:
                entries = _entries(texts)
            else:
                entries = await THREADS.run(reader.reference.namespace, _entries, texts)
            yield separator + entries
            separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _entries(texts: tuple[str, ...]) -> bytes:
    return ",".join(map(entry_text, texts)).encode()
