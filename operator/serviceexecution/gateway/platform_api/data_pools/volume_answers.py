"""What is answered about files of data pools on volumes."""

from contextlib import AsyncExitStack
from http import HTTPStatus

import structlog
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from serviceexecution.fairness.work import THREADS
from serviceexecution.gateway.data_pools.volumes.volume_calls import VolumeCalls
from serviceexecution.gateway.data_pools.volumes.volume_files import (
    OpenVolumeFile,
    delete_file,
    list_files,
    open_file,
    read_file,
    write_file,
)
from serviceexecution.gateway.http.answers.file_response import ServedFile, file_response
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.data_pools.documents import volume_file_document, volume_files_text
from serviceexecution.gateway.platform_api.data_pools.uploads import PoolUploads
from serviceexecution.resources.executions.execution import is_uuid
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.store.media_types import media_type_of

logger = structlog.stdlib.get_logger()


class _Held(Response):
    """An answer that lets go of what it is read from when it has been sent, or nobody takes it.

    A file that the pod breaks off ends its connection, so that no client takes it for whole: no error of ours.
    """

    def __init__(self, answer: Response, held: AsyncExitStack) -> None:
        super().__init__()
        self._answer = answer
        self._held = held

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            try:
                await self._answer(scope, receive, send)
            except Problem as problem:  # Its head has been sent
                logger.warning("a file of a volume was broken off", why=problem.detail)
                raise ClientDisconnect from problem


class VolumeAnswers:
    """Answers calls for files of volumes. Methods raise Problem, StoreError, KubernetesError."""

    def __init__(self, calls: VolumeCalls, uploads: PoolUploads) -> None:
        self._calls = calls
        self._uploads = uploads

    async def list(self, request: Request, pool: Pool) -> Response:
        """Answer the list of files."""
        _check_state(request)
        async with self._calls.call(pool) as channel:
            files = await list_files(channel)
            text = await THREADS.run(pool.metadata.namespace, volume_files_text, pool.metadata.uid, files)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def add(self, request: Request, pool: Pool) -> Response:
        """Take a file. Raises also ClientDisconnect."""
        # The pod first: a body that nobody takes for seconds counts as slow
        async with (
            self._calls.call(pool) as channel,
            self._uploads.incoming(request, pool.metadata.namespace) as incoming,
        ):
            file = await write_file(channel, incoming.name, incoming.chunks)
        document = volume_file_document(pool.metadata.uid, file)
        return JSONResponse(document, HTTPStatus.CREATED, headers={"ETag": f'"{file.tag}"'})

    async def get(self, request: Request, pool: Pool, file_id: str) -> Response:
        """Answer a file, or a part of it."""
        _check_state(request)
        _check_id(file_id)
        async with AsyncExitStack() as stack:
            channel = await stack.enter_async_context(self._calls.call(pool))
            file = await open_file(channel, file_id)

            async def opened(wanted: tuple[int, int] | None) -> OpenVolumeFile:
                return await read_file(channel, file, wanted)

            served = ServedFile(file.name, file.size, file.tag, media_type_of(file.name))
            answer = await file_response(served, request, opened)
            return _Held(answer, stack.pop_all())
        raise AssertionError  # Nothing above swallows an error

    async def delete(self, pool: Pool, file_id: str) -> Response:
        """Delete a file."""
        _check_id(file_id)
        async with self._calls.call(pool) as channel:
            await delete_file(channel, file_id)
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _check_state(request: Request) -> None:
    if "index" in request.query_params:
        raise Problem(HTTPStatus.NOT_FOUND, "NoSuchIndex", "A data pool on a volume has no states.")


def _check_id(file_id: str) -> None:
    if not is_uuid(file_id):
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "FileNotFound",
            f"The data pool has no file {file_id[:63]}; files are named by their id here.",
        )
