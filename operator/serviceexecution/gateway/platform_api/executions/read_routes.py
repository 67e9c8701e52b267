"""The calls about one execution that read nothing from the store: its status, its end, what it has used."""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.access.rights import CANCEL
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.paths import EXECUTION
from serviceexecution.gateway.service_api.executions.cancel_routes import cancelled

_NO_CACHE = {"Cache-Control": "no-cache"}


def read_router(context: PlatformContext) -> APIRouter:
    """Return the routes."""
    router = platform_router()

    @router.get(EXECUTION)
    async def get_execution(request: Request, namespace: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, api_id)
        waits = context.services.waits
        waited = await waits.for_change(request, call.execution)
        if waited.held:
            call = await context.execution(request, namespace, api_id)
        return waits.answer(request, call.execution, call.view, waited)

    @router.put(f"{EXECUTION}/cancel")
    async def cancel(request: Request, namespace: str, api_id: str) -> Response:
        call = await context.execution(
            request, namespace, api_id, verb=CANCEL.verb, subresource=CANCEL.subresource
        )
        return JSONResponse(await context.view(await cancelled(context.services, call.execution)))

    @router.get(f"{EXECUTION}/metrics")
    async def get_metrics(request: Request, namespace: str, api_id: str) -> Response:
        """Nothing is sampled yet: the series are empty, as the client takes them."""
        call = await context.execution(request, namespace, api_id)
        document: JsonObject = {"serviceExecutionId": call.api_id}
        document |= {name: [] for name in ("cpuUsage", "cpuLimit", "memoryUsage", "memoryLimit")}
        times = {"startTime": call.execution.start_time, "endTime": call.execution.completion_time}
        document |= {name: _milliseconds(time) for name, time in times.items() if time is not None}
        return JSONResponse(document, headers=_NO_CACHE)

    @router.get(f"{EXECUTION}/lineage")
    async def get_lineage(request: Request, namespace: str, api_id: str) -> Response:
        """No execution has a parent yet: the execution is alone."""
        call = await context.execution(request, namespace, api_id)
        names = ("id", "type", "status", "createdAt", "startedAt", "endedAt", "serviceId", "tags")
        node: JsonObject = {name: call.view[name] for name in names if name in call.view}
        return JSONResponse({"nodes": [node], "truncated": False}, headers=_NO_CACHE)

    @router.get(f"{EXECUTION}/costs")
    async def get_costs(request: Request, namespace: str, api_id: str) -> Response:
        await context.execution(request, namespace, api_id)
        return JSONResponse([], headers=_NO_CACHE)

    @router.get(f"{EXECUTION}/observability")
    async def get_observability(request: Request, namespace: str, api_id: str) -> Response:
        await context.execution(request, namespace, api_id)
        return JSONResponse({}, headers=_NO_CACHE)

    return router


def _milliseconds(time: datetime) -> str:
    """Return a time as this call of the platform writes it: a text of the milliseconds since 1970."""
    return str(int(time.timestamp() * 1000))
