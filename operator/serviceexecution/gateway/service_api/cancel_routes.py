"""``PUT /{id}/cancel``: stop an execution."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.access.rights import CANCEL
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.read_routes import EXECUTION
from serviceexecution.gateway.service_api.views import has_ended
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.execution import ServiceExecution

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
        if not has_ended(execution) and not execution.spec.cancel:
            metadata = execution.metadata
            body = await context.client.patch(SERVICE_EXECUTIONS, metadata.namespace, metadata.name, _CANCEL)
            if body is not None:
                context.state.note(body)
                execution = ServiceExecution.model_validate(body)
        return JSONResponse(await context.view(execution))

    return router
