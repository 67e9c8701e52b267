"""/collect/v1: what collectors call. The only credential is the pod-bound token of their own audience."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.gateway.collectors import CollectorAuthentication
from serviceexecution.gateway.commits import MAX_COMMIT_BYTES, parse_commit
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.main_state import MAX_WAIT_SECONDS, wait_for_main
from serviceexecution.gateway.problems import Problem
from serviceexecution.gateway.settings import Settings
from serviceexecution.gateway.uploads import Uploads
from serviceexecution.store.store import ResultStore

_CLIENT_GONE: Final = 499


def collect_router(
    store: ResultStore, client: GatewayKubernetes, settings: Settings, draining: asyncio.Event
) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/collect/v1", redirect_slashes=False)
    authentication = CollectorAuthentication(client)
    uploads = Uploads(store, settings)

    @router.put("/files/{path:anything}")
    async def put_file(request: Request, path: str) -> Response:
        identity = await authentication.identify(request)
        length = _content_length(request)
        body = _body(request, settings.body_idle_seconds)
        try:
            stored = await uploads.receive(identity, path, body, length)
        except ClientDisconnect:
            return Response(status_code=_CLIENT_GONE)  # nobody reads it; nothing was stored
        return JSONResponse({"path": stored.path, "size": stored.size, "sha256": stored.sha256})

    @router.delete("/files/{path:anything}")
    async def delete_file(request: Request, path: str) -> Response:
        identity = await authentication.identify(request)
        await uploads.delete(identity, path)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.post("/commit")
    async def commit(request: Request) -> Response:
        identity = await authentication.identify(request)
        body = bytearray()
        try:
            async for chunk in _body(request, settings.body_idle_seconds):
                body += chunk
                if len(body) > MAX_COMMIT_BYTES:
                    raise Problem(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                        "CommitTooLarge",
                        "The list of files is too long.",
                    )
        except ClientDisconnect:
            return Response(status_code=_CLIENT_GONE)
        manifest = await uploads.commit(identity, parse_commit(bytes(body)))
        return JSONResponse({"files": len(manifest.files), "totalBytes": manifest.total_bytes})

    @router.get("/main")
    async def main_state(
        request: Request, wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0
    ) -> Response:
        identity = await authentication.identify(request)
        return JSONResponse({"state": await wait_for_main(client, identity, wait, draining)})

    return router


def _content_length(request: Request) -> int | None:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() else None


async def _body(request: Request, idle_seconds: float) -> AsyncIterator[bytes]:
    """Give the body as it comes; raises ClientDisconnect, and Problem 408 when the sender falls silent."""
    chunks = request.stream()
    while True:
        try:
            async with asyncio.timeout(idle_seconds):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise Problem(
                HTTPStatus.REQUEST_TIMEOUT, "BodyTimeout", "The rest of the body did not come."
            ) from None
        if chunk is None:
            return
        if chunk:
            yield chunk
