"""``PUT /{id}/cancel``: stop an execution."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.access.rights import CANCEL
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.paths import EXECUTION
from serviceexecution.gateway.state.known_execution import KnownExecution
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
        return JSONResponse(await context.view(await cancelled(context, call.execution)))

    return router


async def cancelled(context: ServiceContext, execution: KnownExecution) -> KnownExecution:
    """Ask for the execution's end unless that was done or it has ended; return it as it is then. Raises
    KubernetesError.
    """
    if execution.has_ended or execution.cancel:
        return execution
    body = await context.client.patch(SERVICE_EXECUTIONS, execution.namespace, execution.name, _CANCEL)
    return execution if body is None else context.state.note(body) or execution
