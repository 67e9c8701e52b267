"""Who calls; and the answer to every call that is not served."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.http.methods import CatchAllRoute
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.paths import NAMESPACE
from serviceexecution.gateway.platform_api.principal.not_served import sentence, write_status

_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""Without HEAD, which is answered as GET is."""


def principal_router(context: PlatformContext) -> APIRouter:
    """Return the routes about the caller."""
    router = platform_router()

    @router.post(f"{NAMESPACE}/authorize")
    async def authorize(request: Request, namespace: str) -> Response:
        running = context.running_caller(request, namespace)
        if running is not None:
            execution = running[1]
            document: JsonObject = {
                "serviceExecution": await context.view(execution),
                "serviceProvider": {"id": namespace, "name": namespace},
                "type": "token.execution",
            }
            return JSONResponse(document)
        caller = await context.known_caller(request, namespace)
        return JSONResponse(
            {
                "id": caller.username,
                "accessToken": {},
                "accountType": "STANDARD",
                "organizationMemberships": [],
                "type": "token.personal",
            }
        )

    @router.get(f"{NAMESPACE}/my/accounts")
    async def accounts(request: Request, namespace: str) -> Response:
        await context.known_caller(request, namespace)
        account = {
            "id": namespace,
            "tenantType": "ORGANIZATION",
            "displayName": namespace,
            "isOrganization": True,
        }
        return JSONResponse([account])

    @router.get(f"{NAMESPACE}/my/provider-tokens")
    async def provider_tokens(request: Request, namespace: str) -> Response:
        await context.known_caller(request, namespace)
        return JSONResponse({})

    return router


def rest_router(context: PlatformContext) -> APIRouter:
    """Return the route of all other paths; it comes last. Strangers are told 401 as everywhere."""
    router = platform_router()

    async def rest(request: Request, namespace: str, path: str = "") -> Response:
        await context.known_caller(request, namespace)
        status = HTTPStatus.NOT_FOUND if request.method == "GET" else write_status(path)
        raise Problem(status, "NotSupported", sentence(path))

    for path in (NAMESPACE, f"{NAMESPACE}/{{path:anything}}"):
        router.add_api_route(path, rest, methods=_METHODS, route_class_override=CatchAllRoute)
    return router
