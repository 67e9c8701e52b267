"""``services/<id>/…``: what is said of a service for people, changed."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.paths import SERVICE
from serviceexecution.gateway.platform_api.services import texts
from serviceexecution.gateway.platform_api.services.bodies import json_body, members, wrong
from serviceexecution.gateway.platform_api.services.definition_writes import write_change

EDITS: Final[dict[str, Callable[[JsonValue], JsonObject]]] = {
    "summary": texts.summary_patch,
    "description": texts.description_patch,
    "display-name": texts.display_name_patch,
    "links": texts.links_patch,
    "contacts": texts.contacts_patch,
}
"""What is changed → from the body to a merge patch."""


def edit_router(context: PlatformContext) -> APIRouter:
    """Return the routes."""
    router = platform_router()
    settings = context.services.settings

    def edit(patch_of: Callable[[JsonValue], JsonObject]) -> Callable[..., Awaitable[Response]]:
        async def put(request: Request, namespace: str, service_id: str) -> Response:
            caller = await context.known_caller(request, namespace)
            call = await context.service(request, caller, namespace, service_id, verb="patch")
            try:
                _, body = await json_body(request, settings)
            except ClientDisconnect:
                return Response(status_code=CLIENT_GONE)
            patch = patch_of(body)
            await write_change(context, call, lambda _: patch)
            return Response(status_code=HTTPStatus.NO_CONTENT)

        return put

    for name, patch_of in EDITS.items():
        router.add_api_route(f"{SERVICE}/{name}", edit(patch_of), methods=["PUT"])

    @router.put(f"{SERVICE}/publication")
    async def publish(request: Request, namespace: str, service_id: str) -> Response:
        """Nothing changes: a service is there for the accounts that roles of the namespace let use it."""
        caller = await context.known_caller(request, namespace)
        await context.service(request, caller, namespace, service_id, verb="patch")
        try:
            _, body = await json_body(request, settings)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        scope = members(body).get("scope")
        if scope == "PUBLIC":
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "NotSupported",
                "Nothing is public here: roles of the cluster (RBAC) say who may run a service.",
            )
        if scope != "INTERNAL":
            raise wrong("$.scope", "scope must be INTERNAL or PUBLIC.")
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.delete(f"{SERVICE}/publication")
    async def withdraw(request: Request, namespace: str, service_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        await context.service(request, caller, namespace, service_id, verb="patch")
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router
