"""/collect/v1: what collectors call. The only credential is the pod-bound token of their own audience."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.gateway.collect.collectors import CollectorAuthentication
from serviceexecution.gateway.collect.commits import MAX_COMMIT_BYTES, parse_commit
from serviceexecution.gateway.collect.main_state import MAX_WAIT_SECONDS, wait_for_main
from serviceexecution.gateway.collect.uploads import Uploads
from serviceexecution.gateway.http.bodies import CLIENT_GONE, body_chunks, content_length, whole_body
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.http.turns import UploadTurns
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.settings import Settings
from serviceexecution.store.store import ResultStore


def collect_router(
    store: ResultStore,
    client: GatewayKubernetes,
    settings: Settings,
    turns: UploadTurns,
    draining: asyncio.Event,
) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/collect/v1", redirect_slashes=False)
    authentication = CollectorAuthentication(client)
    uploads = Uploads(store, turns)

    @router.put("/files/{path:anything}")
    async def put_file(request: Request, path: str) -> Response:
        identity = await authentication.identify(request)
        length = content_length(request)
        body = body_chunks(request, settings.body_idle_seconds)
        try:
            stored = await uploads.receive(identity, path, body, length)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)  # nobody reads it; nothing was stored
        return JSONResponse({"path": stored.path, "size": stored.size, "sha256": stored.sha256})

    @router.delete("/files/{path:anything}")
    async def delete_file(request: Request, path: str) -> Response:
        identity = await authentication.identify(request)
        await uploads.delete(identity, path)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.post("/commit")
    async def commit(request: Request) -> Response:
        identity = await authentication.identify(request)
        try:
            body = await whole_body(
                request, settings.body_idle_seconds, MAX_COMMIT_BYTES, _commit_too_large()
            )
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        await authentication.confirm(identity)
        manifest = await uploads.commit(identity, parse_commit(body))
        return JSONResponse({"files": len(manifest.files), "totalBytes": manifest.total_bytes})

    @router.get("/main")
    async def main_state(
        request: Request, wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0
    ) -> Response:
        identity = await authentication.identify(request)
        return JSONResponse({"state": await wait_for_main(client, identity, wait, draining)})

    return router


def _commit_too_large() -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "CommitTooLarge", "The list of files is too long.")
