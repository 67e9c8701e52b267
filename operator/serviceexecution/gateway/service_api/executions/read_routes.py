"""The calls that only read one execution: status, result, files."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from serviceexecution.fairness.turns import FairTurns
from serviceexecution.fairness.work import THREADS
from serviceexecution.gateway.http.answers.deferred_response import DeferredResponse
from serviceexecution.gateway.http.answers.file_response import file_response
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.service_api.context import ExecutionCall, ServiceContext
from serviceexecution.gateway.service_api.documents.result_document import (
    links_parts,
    members_part,
    result_document,
)
from serviceexecution.gateway.service_api.executions.result_lookup import (
    Output,
    find_file,
    find_output,
    main_result,
    problem_beside,
    why_no_text,
)
from serviceexecution.gateway.service_api.paths import EXECUTION
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.store.store import ResultStore

LARGE_RESULT: Final = 256 * 1024
"""Main results above this many bytes are made and sent in turns."""
_FEW_FILES: Final = 500
_LARGE_AT_ONCE: Final = 4
_LARGE_PER_NAMESPACE: Final = 2
"""Each holds up to 16 MiB until its client has it; while one is made it takes some 150 MiB."""
_WAIT_SECONDS: Final = 20.0
_SEND_SECONDS: Final = 300.0
_PIECE_BYTES: Final = 256 * 1024
_NO_CACHE: Final = {"Cache-Control": "no-cache"}


def read_router(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter(redirect_slashes=False)
    sending = FairTurns(_LARGE_AT_ONCE, per_key=_LARGE_PER_NAMESPACE, waiting_per_key=50)
    building = FairTurns(1)

    @router.get(EXECUTION)
    async def get_status(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, service, api_id)
        return JSONResponse(call.view, headers=_NO_CACHE)

    @router.get(f"{EXECUTION}/result")
    async def get_result(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, service, api_id, subresource="results")
        _refuse_unfinished(call.execution)
        output = await find_output(context.store, context.outputs, call.execution)
        if output.main_size <= LARGE_RESULT and output.number_of_files <= _FEW_FILES:
            return await _result(context.store, output, call)
        return DeferredResponse(
            sending,
            namespace,
            lambda: _large_result(context.store, output, call, building),
            wait_seconds=_WAIT_SECONDS,
            seconds=_SEND_SECONDS,
        )

    @router.api_route(f"{EXECUTION}/result/{{path:anything}}", methods=["GET", "HEAD"])
    async def get_file(request: Request, namespace: str, service: str, api_id: str, path: str) -> Response:
        call = await context.execution(request, namespace, service, api_id, subresource="results")
        _refuse_unfinished(call.execution)
        output = await find_output(context.store, context.outputs, call.execution)
        file, opener = find_file(context.store, output, path)
        return await file_response(file, request, opener)

    return router


def _refuse_unfinished(execution: KnownExecution) -> None:
    if not execution.has_ended:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "NotFinished",
            "The execution has not finished; its result is there when its status is final.",
            headers={"Retry-After": "2"},
        )


async def _result(store: ResultStore, output: Output, call: ExecutionCall) -> Response:
    text = result_document(
        await main_result(store, output),
        call.view,
        call.execution.status,
        call.url,
        itertools.chain.from_iterable(output.paths()),
        problem=await problem_beside(store, output),
        why_no_text=why_no_text(output),
    )
    return Response(text, media_type="application/json", headers=_NO_CACHE)


async def _large_result(
    store: ResultStore, output: Output, call: ExecutionCall, building: FairTurns
) -> Response:
    namespace = call.execution.namespace
    async with building.turn(namespace):
        begin = await THREADS.run(
            namespace,
            members_part,
            await main_result(store, output),
            call.view,
            call.execution.status,
            await problem_beside(store, output),
            why_no_text(output),
        )

    async def parts() -> AsyncIterator[bytes]:
        for part in begin:
            for start in range(0, len(part), _PIECE_BYTES):
                yield part[start : start + _PIECE_BYTES]
        for part in links_parts(call.url, output.paths()):
            yield part
            await asyncio.sleep(0)

    return StreamingResponse(parts(), media_type="application/json", headers=_NO_CACHE)
