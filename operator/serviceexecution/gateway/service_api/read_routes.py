"""The calls that only read: list, status, result, files."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.gateway.http.file_response import file_response
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.result_document import result_document
from serviceexecution.gateway.service_api.result_lookup import (
    find_file,
    find_output,
    main_result,
    problem_beside,
)
from serviceexecution.gateway.service_api.views import has_ended
from serviceexecution.resources.execution import ServiceExecution

SERVICE: Final = "/services/{namespace}/{service}"
EXECUTION: Final = f"{SERVICE}/{{api_id}}"
BASE_PATHS: Final = (SERVICE, f"{SERVICE}/")

_NO_CACHE: Final = {"Cache-Control": "no-cache"}


def read_router(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter(redirect_slashes=False)

    async def list_executions(request: Request, namespace: str, service: str) -> Response:
        await context.service(request, namespace, service, verb="list")
        found = await context.state.executions(namespace, service)
        return JSONResponse([await context.view(one) for one in found], headers=_NO_CACHE)

    for path in BASE_PATHS:
        router.add_api_route(path, list_executions, methods=["GET"])

    @router.get(EXECUTION)
    async def get_status(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, service, api_id)
        return JSONResponse(call.view, headers=_NO_CACHE)

    @router.get(f"{EXECUTION}/result")
    async def get_result(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, service, api_id, subresource="results")
        _refuse_unfinished(call.execution)
        output = await find_output(context.store, call.execution)
        text = result_document(
            await main_result(context.store, output),
            call.view,
            call.execution.status,
            call.url,
            output.files,
            problem=await problem_beside(context.store, output),
        )
        return Response(text, media_type="application/json", headers=_NO_CACHE)

    @router.api_route(f"{EXECUTION}/result/{{path:anything}}", methods=["GET", "HEAD"])
    async def get_file(request: Request, namespace: str, service: str, api_id: str, path: str) -> Response:
        call = await context.execution(request, namespace, service, api_id, subresource="results")
        _refuse_unfinished(call.execution)
        output = await find_output(context.store, call.execution)
        file, opener = find_file(context.store, output, path)
        return await file_response(file, request, opener)

    return router


def _refuse_unfinished(execution: ServiceExecution) -> None:
    if not has_ended(execution):
        raise Problem(
            HTTPStatus.NOT_FOUND,
            "NotFinished",
            "The execution has not finished; its result is there when its status is final.",
            headers={"Retry-After": "2"},
        )
