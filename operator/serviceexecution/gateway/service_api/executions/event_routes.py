"""Server-Sent Events of one execution, and of all of a service."""

from fastapi import APIRouter, Request, Response

from serviceexecution.gateway.logs.events import last_event_id
from serviceexecution.gateway.logs.streams import Standing
from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.paths import EXECUTION, SERVICE
from serviceexecution.gateway.waiting.events import execution_events, list_events
from serviceexecution.resources.names import PLURAL


def event_router(context: ServiceContext) -> APIRouter:
    """Return the routes."""
    router = APIRouter(redirect_slashes=False)

    @router.get(f"{SERVICE}/events")
    async def follow_service(request: Request, namespace: str, service: str) -> Response:
        await context.service(request, namespace, service, verb="list")
        last = last_event_id(request)
        return context.changes.send(
            request,
            Standing("list", PLURAL, "", namespace, ""),
            lambda ending: list_events(
                context.state, namespace, service, context.view, last_id=last, ending=ending
            ),
        )

    @router.get(f"{EXECUTION}/events")
    async def follow_execution(request: Request, namespace: str, service: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, service, api_id)
        last = last_event_id(request)
        return context.changes.send(
            request,
            Standing("get", PLURAL, "", namespace, call.execution.name),
            lambda ending: execution_events(
                context.state, call.execution, context.view, last_id=last, ending=ending
            ),
        )

    return router
