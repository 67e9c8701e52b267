"""Server-Sent Events of one execution, and of all of a namespace."""

from fastapi import APIRouter, Request, Response

from serviceexecution.gateway.logs.events import last_event_id
from serviceexecution.gateway.logs.streams import Standing
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.paths import EXECUTION, EXECUTIONS
from serviceexecution.gateway.waiting.events import execution_events, list_events
from serviceexecution.resources.names import PLURAL


def event_router(context: PlatformContext) -> APIRouter:
    """Return the routes."""
    router = platform_router()
    services = context.services

    @router.get(f"{EXECUTIONS}/events")
    async def follow_executions(request: Request, namespace: str) -> Response:
        await context.enter(request, namespace, verb="list")
        last = last_event_id(request)
        return services.changes.send(
            request,
            Standing("list", PLURAL, "", namespace, ""),
            lambda ending: list_events(
                services.state, namespace, None, context.view, last_id=last, ending=ending
            ),
        )

    @router.get(f"{EXECUTION}/events")
    async def follow_execution(request: Request, namespace: str, api_id: str) -> Response:
        call = await context.execution(request, namespace, api_id)
        last = last_event_id(request)
        return services.changes.send(
            request,
            Standing("get", PLURAL, "", namespace, call.execution.name),
            lambda ending: execution_events(
                services.state, call.execution, context.view, last_id=last, ending=ending
            ),
        )

    return router
