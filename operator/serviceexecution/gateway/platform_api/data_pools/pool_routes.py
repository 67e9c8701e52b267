"""``datapools``: listed, made, shown, changed, deleted."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE, whole_body
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.context import platform_router
from serviceexecution.gateway.platform_api.data_pools.access import DataPools
from serviceexecution.gateway.platform_api.data_pools.documents import pool_document
from serviceexecution.gateway.platform_api.data_pools.pool_body import (
    BODY_LIMIT,
    changed_spec,
    new_pool,
    new_spec,
    object_name,
    pool_members,
)
from serviceexecution.gateway.platform_api.data_pools.pool_lists import PoolLists
from serviceexecution.gateway.platform_api.data_pools.pool_writes import created_pool, refused_write
from serviceexecution.gateway.platform_api.paths import DATA_POOL
from serviceexecution.gateway.platform_api.paths import DATA_POOLS as PATH
from serviceexecution.gateway.service_api.submission.idempotency import (
    HEADER,
    check_key,
    request_digest,
)
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import DATA_POOLS

_NO_CACHE: Final = {"Cache-Control": "no-cache"}


def pool_router(pools: DataPools) -> APIRouter:
    """Return the routes of data pools themselves."""
    router = platform_router()
    client, lists = pools.platform.services.client, PoolLists(pools.directory)

    @router.get(PATH)
    async def list_pools(request: Request, namespace: str) -> Response:
        caller = await pools.enter(request, namespace, "list")
        permission = await pools.permission(caller, namespace)
        text = await lists.text(namespace, permission)
        return Response(text, media_type="application/json", headers=_NO_CACHE)

    @router.post(PATH)
    async def create_pool(request: Request, namespace: str) -> Response:
        caller = await pools.enter(request, namespace, "create")
        key = check_key(request.headers.get(HEADER))
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        spec = new_spec(pool_members(body))
        name = object_name(str(spec["displayName"]), namespace, caller.username, key)
        digest = None if key is None else request_digest(key, body)
        pool, made = await created_pool(client, pools.directory, namespace, new_pool(spec, name, digest))
        document = pool_document(pool, await pools.permission(caller, namespace))
        return JSONResponse(document, HTTPStatus.CREATED if made else HTTPStatus.OK)

    @router.get(DATA_POOL)
    async def get_pool(request: Request, namespace: str, pool_id: str) -> Response:
        caller = await pools.enter(request, namespace, "get")
        pool = await pools.directory.find(namespace, pool_id)
        return JSONResponse(pool_document(pool, await pools.permission(caller, namespace)), headers=_NO_CACHE)

    @router.put(DATA_POOL)
    async def update_pool(request: Request, namespace: str, pool_id: str) -> Response:
        caller = await pools.enter(request, namespace, "patch")
        pool = await pools.own(namespace, pool_id)
        try:
            spec = changed_spec(pool_members(await _body(request)))
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        if spec:
            try:
                body = await client.patch(DATA_POOLS, namespace, pool.metadata.name, {"spec": spec})
            except KubernetesError as error:
                raise refused_write(error) from None
            changed = pools.directory.note(body)
            if changed is None or changed.metadata.uid != pool.metadata.uid:
                changed = await pools.own(namespace, pool_id)
            pool = changed
        return JSONResponse(pool_document(pool, await pools.permission(caller, namespace)))

    @router.delete(DATA_POOL)
    async def delete_pool(request: Request, namespace: str, pool_id: str) -> Response:
        await pools.enter(request, namespace, "delete")
        metadata = (await pools.own(namespace, pool_id)).metadata
        try:
            await client.delete(DATA_POOLS, namespace, metadata.name, uid=metadata.uid)
        except KubernetesError as error:
            raise refused_write(error) from None
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _body(request: Request) -> bytes:
        settings = pools.platform.services.settings
        return await whole_body(
            request, settings.body_idle_seconds, BODY_LIMIT, _too_large(), settings.input_seconds
        )

    return router


def _too_large() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "DataPoolTooLarge",
        f"What is said of a data pool may have {BODY_LIMIT:,} bytes.",
    )
