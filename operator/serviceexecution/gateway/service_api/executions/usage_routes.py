"""``GET …/usage``: what a service has used by month."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.gateway.service_api.context import ServiceContext
from serviceexecution.gateway.service_api.paths import SERVICE
from serviceexecution.gateway.state.monthly_usage import usage_document

_NO_CACHE: Final = {"Cache-Control": "no-cache"}


def usage_router(context: ServiceContext) -> APIRouter:
    """Return the route."""
    router = APIRouter(redirect_slashes=False)

    @router.get(f"{SERVICE}/usage")
    async def get_usage(
        request: Request,
        namespace: str,
        service: str,
        month: Annotated[str | None, Query(max_length=10)] = None,
    ) -> Response:
        await context.service(request, namespace, service, verb="list")
        months = await context.usages.read(namespace, service, month)
        return JSONResponse(usage_document(service, months), headers=_NO_CACHE)

    return router
