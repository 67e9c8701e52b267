"""/collect/v1/pools: what the pod of an execution brings for the data pools that it has opened for writing."""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.collect.pools.receiving import PoolReceiver
from serviceexecution.gateway.collect.pools.routes import Caller, pool_of
from serviceexecution.gateway.collect.uploads import Body
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE, content_length
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.resources.executions.used_pools import UsedPool


def add_pool_write_routes(
    router: APIRouter, receiver: PoolReceiver, caller: Caller, body_of: Callable[[Request], Body]
) -> None:
    """Add the routes with which pods bring what their programs have changed."""

    @router.put("/pools/{name}/files/{file:anything}")
    async def put_file(request: Request, name: str, file: str) -> Response:
        async with caller(request) as identity:
            pool = _writable(identity, name)
            try:
                blob = await receiver.receive(identity, pool, file, body_of(request), content_length(request))
            except ClientDisconnect:
                return Response(status_code=CLIENT_GONE)  # Nobody reads it; nothing was stored
            return JSONResponse({"size": blob.size, "sha256": blob.sha256})

    @router.post("/pools/{name}/state")
    async def put_together(request: Request, name: str) -> Response:
        async with caller(request) as identity:
            pool = _writable(identity, name)
            try:
                index = await receiver.put_together(identity, pool, body_of(request), content_length(request))
            except ClientDisconnect:
                return Response(status_code=CLIENT_GONE)
            changed = None if index.digest == pool.index else index.digest
            return JSONResponse({"index": changed, "files": index.files, "bytes": index.bytes})


def _writable(identity: CollectorIdentity, name: str) -> UsedPool:
    """Return the pool of that property if the execution has opened it for writing; raises Problem 403, 404."""
    pool = pool_of(identity, name)
    if not pool.writable:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "DataPoolReadOnly",
            "The execution has not opened this data pool for writing.",
        )
    return pool
