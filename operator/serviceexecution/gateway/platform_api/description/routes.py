"""``GET openapi.json``: what is served, for tools."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router, platform_url
from serviceexecution.gateway.platform_api.description.openapi import platform_openapi
from serviceexecution.gateway.platform_api.paths import NAMESPACE


def description_router(context: PlatformContext) -> APIRouter:
    """Return the route."""
    router = platform_router()

    @router.get(f"{NAMESPACE}/openapi.json")
    async def get_openapi(request: Request, namespace: str) -> Response:
        await context.known_caller(request, namespace)
        base = platform_url(request, context.services, namespace)
        return JSONResponse(platform_openapi(base), headers={"Cache-Control": "no-cache"})

    return router
