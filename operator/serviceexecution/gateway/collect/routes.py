"""/collect/v1: what collectors call. The only credential is the pod-bound token of their own audience."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.gateway.collect.collector_identity import CollectorAuthentication, CollectorIdentity
from serviceexecution.gateway.collect.committing import Commits
from serviceexecution.gateway.collect.known_outputs import KnownOutputs
from serviceexecution.gateway.collect.main_state import MAX_WAIT_SECONDS, MainStates
from serviceexecution.gateway.collect.pools.main_ends import MainEnds
from serviceexecution.gateway.collect.pools.receiving import PoolReceiver
from serviceexecution.gateway.collect.pools.routes import add_pool_routes
from serviceexecution.gateway.collect.pools.settling import PoolSettling
from serviceexecution.gateway.collect.pools.write_routes import add_pool_write_routes
from serviceexecution.gateway.collect.uploads import Body, Uploads
from serviceexecution.gateway.data_pools.heads import PoolHeads
from serviceexecution.gateway.http.bodies.pace import Pace, paced_chunks
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE, content_length
from serviceexecution.gateway.http.bodies.upload_slots import Contended, UploadSlots
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.store.store import ResultStore


def collect_router(
    store: ResultStore,
    client: GatewayKubernetes,
    settings: GatewaySettings,
    slots: UploadSlots,
    draining: asyncio.Event,
    *,
    heads: PoolHeads,
) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/collect/v1", redirect_slashes=False)
    authentication = CollectorAuthentication(client)
    known = KnownOutputs(store)
    uploads = Uploads(store, known, slots)
    settling = PoolSettling(store, heads, MainEnds(client), authentication.stop_reason)
    commits = Commits(store, known, settings.upload_queue_seconds, authentication.confirm, settling)
    states = MainStates(client, draining)

    @contextlib.asynccontextmanager
    async def caller(request: Request) -> AsyncGenerator[CollectorIdentity, None]:
        with authentication.counted(request):
            yield await authentication.identify(request)

    def body_of(request: Request) -> Body:
        return lambda contended: _paced(request, contended, settings.body_idle_seconds)

    @router.put("/files/{path:anything}")
    async def put_file(request: Request, path: str) -> Response:
        async with caller(request) as identity:
            try:
                stored = await uploads.receive(identity, path, body_of(request), content_length(request))
            except ClientDisconnect:
                return Response(status_code=CLIENT_GONE)  # Nobody reads it; nothing was stored
            return JSONResponse({"path": stored.path, "size": stored.size, "sha256": stored.sha256})

    @router.delete("/files/{path:anything}")
    async def delete_file(request: Request, path: str) -> Response:
        async with caller(request) as identity:
            await uploads.delete(identity, path)
            return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.post("/commit")
    async def commit(request: Request) -> Response:
        async with caller(request) as identity:
            try:
                done = await commits.receive(identity, body_of(request), content_length(request))
            except ClientDisconnect:
                return Response(status_code=CLIENT_GONE)
            return JSONResponse({"files": len(done.files), "totalBytes": done.total_bytes})

    @router.get("/main")
    async def main_state(
        request: Request, wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0
    ) -> Response:
        async with caller(request) as identity:
            pod = getattr(request.state, "pod", None)
            return JSONResponse({"state": await states.state(identity, wait, pod)})

    add_pool_routes(router, store.pools, caller, most_files=settings.pool_files)
    add_pool_write_routes(router, PoolReceiver(store, heads, slots, settling.ends), caller, body_of)
    return router


def _paced(request: Request, contended: Contended, idle_seconds: float) -> AsyncIterator[bytes]:
    return paced_chunks(request, Pace(contended), idle_seconds=idle_seconds)
