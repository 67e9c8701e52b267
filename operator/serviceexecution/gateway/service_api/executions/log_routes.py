"""``GET /{id}/log``: all lines so far, or with ``?follow`` every line as it comes; interim results."""

from collections.abc import AsyncIterator
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from serviceexecution.fairness.work import THREADS
from serviceexecution.gateway.logs.events import (
    LOG_HEADERS,
    entry_text,
    flag,
    last_event_id,
    wants_stream,
)
from serviceexecution.gateway.logs.reader import LogReader, Position, followed
from serviceexecution.gateway.logs.streams import Standing
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.executions.interim_results import InterimResults
from serviceexecution.gateway.service_api.executions.result_lookup import refuse_expired
from serviceexecution.gateway.service_api.paths import EXECUTION
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.resources.names import PLURAL

logger = structlog.stdlib.get_logger()
_FEW_LINES: Final = 500
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
        reader = LogReader(context.store, execution.reference, execution.attempts or 1)

        async def ended() -> bool:
            try:  # Of one that is not known here, only the API server knows whether it is gone
                known = await context.state.execution(namespace, service, call.api_id)
            except KubernetesError as error:  # Asked again later; the stream goes on meanwhile
                logger.warning("cannot see whether an execution is over", error=str(error))
                return False
            return known is None or known.has_ended

        if wants_stream(request):
            reader.position = Position.parse(last_event_id(request))
            standing = Standing("get", PLURAL, "log", namespace, execution.name)
            return context.streams.follow(
                request, standing, lambda ending: followed(reader, ended=ended, draining=ending)
            )
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
            if len(texts) < _FEW_LINES:
                entries = _entries(texts)
            else:
                entries = await THREADS.run(reader.reference.namespace, _entries, texts)
            yield separator + entries
            separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _entries(texts: tuple[str, ...]) -> bytes:
    return ",".join(map(entry_text, texts)).encode()
