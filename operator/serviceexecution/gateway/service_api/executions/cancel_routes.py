"""``PUT /{id}/cancel``: stop an execution."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.access.rights import CANCEL
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.paths import EXECUTION
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS

_CANCEL: Final[JsonObject] = {"spec": {"cancel": True}}


def cancel_router(context: ServiceContext) -> APIRouter:
    """Return the route."""
    router = APIRouter(redirect_slashes=False)

    @router.put(f"{EXECUTION}/cancel")
    async def cancel(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(
            request, namespace, service, api_id, verb=CANCEL.verb, subresource=CANCEL.subresource
        )
        execution = call.execution
        if not execution.has_ended and not execution.cancel:
            body = await context.client.patch(SERVICE_EXECUTIONS, namespace, execution.name, _CANCEL)
            if body is not None:
                execution = context.state.note(body) or execution
        return JSONResponse(await context.view(execution))

    return router
