"""``managed-services``: how the newest build goes, and its log."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.logs.events import LOG_HEADERS
from serviceexecution.gateway.platform_api.builds.build_status import (
    build_status,
    never_built,
    newest_revision,
)
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.executions.log_routes import MOST_LINES, entries_of
from serviceexecution.gateway.platform_api.executions.log_tail import find_tail, read_tail
from serviceexecution.gateway.platform_api.paths import MANAGED_SERVICE
from serviceexecution.resources.reference import revision_reference

_NO_CACHE: Final = {"Cache-Control": "no-cache"}


def build_router(context: PlatformContext) -> APIRouter:
    """Return the routes."""
    router = platform_router()
    store = context.services.store

    @router.get(f"{MANAGED_SERVICE}/build-status")
    async def get_build_status(request: Request, namespace: str, service_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        call = await context.service(request, caller, namespace, service_id, verb="get")
        status = build_status(call.definition, newest_revision(call.definition))
        if status is None:
            raise Problem(HTTPStatus.NOT_FOUND, "NeverBuilt", never_built(call.definition))
        return JSONResponse(status, headers=_NO_CACHE)

    @router.get(f"{MANAGED_SERVICE}/build-logs")
    async def get_build_logs(request: Request, namespace: str, service_id: str) -> Response:
        """The last lines of the newest build's last attempt, as the array that the client takes."""
        caller = await context.known_caller(request, namespace)
        call = await context.service(request, caller, namespace, service_id, verb="get", subresource="log")
        newest, metadata = newest_revision(call.definition), call.definition.metadata
        if newest is None:
            return JSONResponse([], headers=_NO_CACHE)
        reference = revision_reference(namespace, metadata.name, metadata.uid, newest.name)
        log = store.logs.of(reference, max(1, newest.attempts))
        tail = await find_tail(log, MOST_LINES)

        async def lines() -> AsyncIterator[bytes]:
            separator = b"["
            async for texts in read_tail(log, tail):
                async for entries in entries_of(namespace, texts):
                    yield separator + ",".join(entries).encode()
                    separator = b","
            yield b"[]" if separator == b"[" else b"]"

        return StreamingResponse(lines(), media_type="application/json", headers=LOG_HEADERS)

    return router
