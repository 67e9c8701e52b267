"""Server-Sent Events of a service."""

from fastapi import APIRouter, Request, Response

from serviceexecution.gateway.logs.events import last_event_id
from serviceexecution.gateway.logs.streams import Standing
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.paths import SERVICE
from serviceexecution.gateway.waiting.service_events import service_events
from serviceexecution.resources.names import DEFINITION_PLURAL


def service_event_router(context: PlatformContext) -> APIRouter:
    """Return the route."""
    router = platform_router()
    services = context.services

    @router.get(f"{SERVICE}/events")
    async def follow_service(request: Request, namespace: str, service_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        call = await context.service(request, caller, namespace, service_id, verb="get")
        last = last_event_id(request)
        return services.changes.send(
            request,
            Standing("get", DEFINITION_PLURAL, "", namespace, call.definition.metadata.name),
            lambda ending: service_events(services.state, call.definition, last_id=last, ending=ending),
        )

    return router
