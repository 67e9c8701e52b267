"""The calls that only read one execution: status, result, files."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.gateway.http.answers.file_response import file_response
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.executions.result_answers import ResultAnswers
from serviceexecution.gateway.service_api.executions.result_lookup import find_file
from serviceexecution.gateway.service_api.paths import EXECUTION
from serviceexecution.gateway.state.receipts import read_receipt


def read_router(context: ServiceContext, results: ResultAnswers) -> APIRouter:
    """Return the routes."""
    router = APIRouter(redirect_slashes=False)

    @router.get(EXECUTION)
    async def get_status(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, service, api_id)
        waited = await context.waits.for_change(request, call.execution)
        if waited.held:
            call = await context.execution(request, namespace, service, api_id)
        return context.waits.answer(request, call.execution, call.view, waited)

    @router.get(f"{EXECUTION}/receipt")
    async def get_receipt(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, service, api_id)
        receipt = await read_receipt(context.client, call.execution, call.api_id)
        return JSONResponse(receipt, headers={"Cache-Control": "no-cache"})

    @router.get(f"{EXECUTION}/result")
    async def get_result(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, service, api_id, subresource="results")
        return await results.answer(await results.output(call.execution), call.view, call.url)

    @router.api_route(f"{EXECUTION}/result/{{path:anything}}", methods=["GET", "HEAD"])
    async def get_file(request: Request, namespace: str, service: str, api_id: str, path: str) -> Response:
        call = await context.execution(request, namespace, service, api_id, subresource="results")
        file, opener = find_file(context.store, await results.output(call.execution), path)
        return await file_response(file, request, opener)

    return router
