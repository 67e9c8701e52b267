"""``GET service-executions``: the executions of all services, a page at a time."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.executions.pages import page_document, page_of
from serviceexecution.gateway.platform_api.executions.query import wanted_of
from serviceexecution.gateway.platform_api.paths import EXECUTIONS


def list_router(context: PlatformContext) -> APIRouter:
    """Return the route."""
    router = platform_router()
    state = context.services.state

    @router.get(EXECUTIONS)
    async def list_executions(request: Request, namespace: str) -> Response:
        await context.enter(request, namespace, verb="list")
        wanted = wanted_of(request.query_params)
        page = await page_of(state, namespace, await state.executions(namespace, None), wanted)
        return JSONResponse(
            await page_document(page, wanted, context.view), headers={"Cache-Control": "no-cache"}
        )

    return router
