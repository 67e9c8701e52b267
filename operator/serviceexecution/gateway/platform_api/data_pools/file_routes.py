"""``datapools/<id>/files``: listed, uploaded, downloaded, deleted."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.fairness.turns import FairTurns, NoTurnError
from serviceexecution.fairness.work import THREADS
from serviceexecution.gateway.http.answers.file_response import OpenedFile, ServedFile, file_response
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.platform_api.context import platform_router
from serviceexecution.gateway.platform_api.data_pools.access import FILES, DataPools
from serviceexecution.gateway.platform_api.data_pools.documents import file_document, files_text
from serviceexecution.gateway.platform_api.data_pools.uploads import PoolUploads
from serviceexecution.gateway.platform_api.data_pools.volume_answers import VolumeAnswers
from serviceexecution.gateway.platform_api.paths import DATA_POOL_FILE, DATA_POOL_FILES
from serviceexecution.resources.executions.execution import is_uuid
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.store.errors import CorruptRecordError
from serviceexecution.store.pools.changes import Change
from serviceexecution.store.pools.keys import PoolReference, is_index
from serviceexecution.store.pools.pool_store import PoolStore
from serviceexecution.store.pools.records import PoolFile, PoolIndex

_NO_CACHE: Final = {"Cache-Control": "no-cache"}
_LISTS: Final = 4
"""Lists of files that are put together at the same time; one of 10,000 files takes some 30 MB meanwhile."""
_LIST_SECONDS: Final = 10.0


def pool_file_router(pools: DataPools, uploads: PoolUploads, volumes: VolumeAnswers) -> APIRouter:
    """Return the routes of files of data pools."""
    router = platform_router()
    store = pools.platform.services.store.pools
    turns = FairTurns(_LISTS, per_key=max(1, _LISTS // 2))

    @router.get(DATA_POOL_FILES)
    async def list_files(request: Request, namespace: str, pool_id: str) -> Response:
        await pools.enter(request, namespace, "get", FILES)
        pool, reference = await pools.with_files(namespace, pool_id)
        if pool.is_on_claim:
            return await volumes.list(request, pool)
        try:
            async with turns.turn(namespace, wait=_LIST_SECONDS):
                index = await _index(store, request, pool, reference)
                found = [file async for batch in store.batches(reference, index) for file in batch]
                text = await THREADS.run(namespace, files_text, pool_id, found)
        except NoTurnError:
            raise unavailable("Busy", "Too many lists of files at once; try again.") from None
        headers = _NO_CACHE if index.digest is None else {**_NO_CACHE, "ETag": f'"{index.digest}"'}
        return Response(text, media_type="application/json", headers=headers)

    @router.post(DATA_POOL_FILES)
    async def add_file(request: Request, namespace: str, pool_id: str) -> Response:
        await pools.enter(request, namespace, "create", FILES)
        pool, reference = await pools.with_files(namespace, pool_id)
        try:
            if pool.is_on_claim:
                return await volumes.add(request, pool)
            file = await uploads.receive(request, pool, reference)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)  # Nobody reads it; nothing was stored
        headers = {"ETag": f'"{file.sha256}"'}
        return JSONResponse(file_document(pool_id, file), HTTPStatus.CREATED, headers=headers)

    @router.get(DATA_POOL_FILE)
    async def get_file(request: Request, namespace: str, pool_id: str, file_id: str) -> Response:
        await pools.enter(request, namespace, "get", FILES)
        pool, reference = await pools.with_files(namespace, pool_id)
        if pool.is_on_claim:
            return await volumes.get(request, pool, file_id)
        file = await _found(store, await _index(store, request, pool, reference), reference, file_id)

        async def open_file(wanted: tuple[int, int] | None) -> OpenedFile | None:
            return await store.open_blob(reference, file.blob, wanted)

        served = ServedFile(file.name, file.size, file.sha256, file.content_type)
        return await file_response(served, request, open_file)

    @router.delete(DATA_POOL_FILE)
    async def delete_file(request: Request, namespace: str, pool_id: str, file_id: str) -> Response:
        await pools.enter(request, namespace, "delete", FILES)
        pool, reference = await pools.with_files(namespace, pool_id)
        if pool.is_on_claim:
            return await volumes.delete(pool, file_id)
        file = await _found(store, await store.read_index(reference, pool.status.index), reference, file_id)
        await pools.heads.apply(reference, [Change(file.id)])
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


async def _index(store: PoolStore, request: Request, pool: Pool, reference: PoolReference) -> PoolIndex:
    """Return the state that is asked for: the newest, or an earlier one by its digest."""
    asked = request.query_params.get("index")
    if asked is None or asked == pool.status.index:
        return await store.read_index(reference, pool.status.index)
    if is_index(asked):
        try:
            return await store.read_index(reference, asked)
        except CorruptRecordError:
            pass
    raise Problem(
        HTTPStatus.NOT_FOUND,
        "NoSuchIndex",
        f"The data pool has no state {asked[:64]}, or not any more: states are kept for a while only.",
    )


async def _found(store: PoolStore, index: PoolIndex, reference: PoolReference, file_id: str) -> PoolFile:
    found = None
    if is_uuid(file_id):
        found = await store.find(reference, index, file_id)
    if found is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "FileNotFound",
            f"The data pool has no file {file_id[:63]}; files are named by their id here.",
        )
    return found
