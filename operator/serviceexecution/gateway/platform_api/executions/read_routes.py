"""The calls about one execution that are not about its output or log: its status, its end, what it has used."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.access.rights import CANCEL
from serviceexecution.gateway.http.answers.in_thread import in_thread
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.executions.lineage import lineage
from serviceexecution.gateway.platform_api.executions.metrics import metrics_document
from serviceexecution.gateway.platform_api.executions.pages import views
from serviceexecution.gateway.platform_api.paths import EXECUTION
from serviceexecution.gateway.service_api.executions.cancel_routes import cancelled
from serviceexecution.gateway.state.receipts import read_receipt

_NO_CACHE: Final = {"Cache-Control": "no-cache"}
_OF_A_NODE: Final = ("id", "type", "status", "createdAt", "startedAt", "endedAt", "serviceId", "tags")


def read_router(context: PlatformContext) -> APIRouter:
    """Return the routes."""
    router = platform_router()

    @router.get(EXECUTION)
    async def get_execution(request: Request, namespace: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, api_id, own=True)
        waits = context.services.waits
        waited = await waits.for_change(request, call.execution)
        if waited.held:
            call = await context.execution(request, namespace, api_id, own=True)
        return waits.answer(request, call.execution, call.view, waited)

    @router.put(f"{EXECUTION}/cancel")
    async def cancel(request: Request, namespace: str, api_id: str) -> Response:
        call = await context.execution(
            request, namespace, api_id, verb=CANCEL.verb, subresource=CANCEL.subresource
        )
        return JSONResponse(await context.view(await cancelled(context.services, call.execution)))

    @router.get(f"{EXECUTION}/metrics")
    async def get_metrics(request: Request, namespace: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, api_id)
        execution = call.execution
        series = None
        if execution.has_ended:  # It is told with the output
            series = await context.services.store.usage.read_series(execution.reference)
        document = metrics_document(call.api_id, execution.start_time, execution.completion_time, series)
        return JSONResponse(document, headers=_NO_CACHE)

    @router.get(f"{EXECUTION}/receipt")
    async def get_receipt(request: Request, namespace: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, api_id)
        receipt = await read_receipt(context.services.client, call.execution, call.api_id)
        return JSONResponse(receipt, headers=_NO_CACHE)

    @router.get(f"{EXECUTION}/lineage")
    async def get_lineage(request: Request, namespace: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, api_id, own=True)
        known = await context.services.state.executions(namespace, None)
        found, truncated = await in_thread(
            namespace, lineage, call.execution, known, upwards=call.caller.own_execution is None
        )
        ids = {one.uid: context.services.state.id_of(one) for one in found}
        nodes: list[JsonValue] = []
        for one, view in zip(found, await views(found, context.view), strict=True):
            node: JsonObject = {name: view[name] for name in _OF_A_NODE if name in view}
            if one is not found[0] and one.parent is not None:
                node["parentId"] = ids[one.parent]
            nodes.append(node)
        return JSONResponse({"nodes": nodes, "truncated": truncated}, headers=_NO_CACHE)

    @router.get(f"{EXECUTION}/costs")
    async def get_costs(request: Request, namespace: str, api_id: str) -> Response:
        await context.execution(request, namespace, api_id)
        return JSONResponse([], headers=_NO_CACHE)

    @router.get(f"{EXECUTION}/observability")
    async def get_observability(request: Request, namespace: str, api_id: str) -> Response:
        await context.execution(request, namespace, api_id)
        return JSONResponse({}, headers=_NO_CACHE)

    return router
