"""``applications``: the access keys that call, and those whose executions there are.

The gateway may not list keys: each is a Secret that only its own Role lets it read.
"""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.access.callers import Caller
from serviceexecution.gateway.access.token_endpoint import TOKEN_PATH
from serviceexecution.gateway.platform_api.applications.keys import keys_of, require_key
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.paths import APPLICATION, APPLICATIONS
from serviceexecution.gateway.service_api.context import gateway_url
from serviceexecution.resources.access_key import KeyId

_NO_CACHE: Final = {"Cache-Control": "no-cache"}


def application_router(context: PlatformContext) -> APIRouter:
    """Return the routes."""
    router = platform_router()

    @router.get(APPLICATIONS)
    async def list_applications(request: Request, namespace: str) -> Response:
        caller = await context.known_caller(request, namespace)
        return JSONResponse([_document(key, caller) for key in await keys_of(context, caller, namespace)])

    @router.get(APPLICATION)
    async def get_application(request: Request, namespace: str, key_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        await require_key(context, caller, namespace, key_id)
        return JSONResponse(_document(key_id, caller), headers=_NO_CACHE)

    @router.get(f"{APPLICATION}/access-keys")
    async def get_access_keys(request: Request, namespace: str, key_id: str) -> Response:
        """The secret is null: only a hash of it is kept."""
        caller = await context.known_caller(request, namespace)
        await require_key(context, caller, namespace, key_id)
        endpoint = f"{gateway_url(request, context.services.settings)}{TOKEN_PATH}"
        key: JsonObject = {"type": "SERVICE_GATEWAY", "accessKeyId": key_id, "secretAccessKey": None}
        return JSONResponse([{**key, "tokenEndpoint": endpoint}], headers=_NO_CACHE)

    return router


def _document(key_id: str, caller: Caller) -> JsonObject:
    own = str(KeyId.of_account(caller.username)) == key_id
    return {"id": key_id, "name": key_id, "currentUserPermission": "OWNER" if own else "VIEWER"}
