"""``datapools/<id>/grants``: what clients ask for before they submit, and send within the input."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.contract.input.pool_grants import GrantPermission, pool_grant
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE, whole_body
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.context import platform_router
from serviceexecution.gateway.platform_api.data_pools.access import DataPools
from serviceexecution.gateway.platform_api.data_pools.pool_body import pool_members
from serviceexecution.gateway.platform_api.paths import DATA_POOL_GRANTS

BODY_LIMIT: Final = 4096
LONGEST_APPLICATION: Final = 255
_NO_STORE: Final = {"Cache-Control": "no-store"}


def pool_grant_router(pools: DataPools) -> APIRouter:
    """Return the route of grants. Nothing is stored for one: whether it counts is the submitting account's right."""
    router = platform_router()

    @router.post(DATA_POOL_GRANTS)
    async def create_grant(request: Request, namespace: str, pool_id: str) -> Response:
        await pools.enter(request, namespace, "get")
        await pools.directory.find(namespace, pool_id)
        settings = pools.platform.services.settings
        try:
            body = await whole_body(
                request, settings.body_idle_seconds, BODY_LIMIT, _too_large(), settings.input_seconds
            )
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        permission = asked_permission(pool_members(body))
        document: JsonObject = {"token": pool_grant(pool_id, permission, datetime.now(UTC))}
        return JSONResponse(document, headers=_NO_STORE)

    return router


def asked_permission(members: JsonObject) -> GrantPermission:
    """Return what the members ask for; raises Problem 400, 403. Pure."""
    application = members.get("applicationId")
    if not isinstance(application, str) or not 1 <= len(application) <= LONGEST_APPLICATION:
        raise _wrong(
            "$.applicationId", f"applicationId must be a text of 1 to {LONGEST_APPLICATION} characters."
        )
    asked = members.get("permission")
    if asked == "GRANT":
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "NotSupported",
            "Nobody hands rights on data pools on: Roles of the cluster say who may do what.",
        )
    try:
        return GrantPermission(str(asked))
    except ValueError:
        raise _wrong("$.permission", "permission must be VIEW or MODIFY.") from None


def _wrong(path: str, sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "InvalidBody", sentence, members={"path": path})


def _too_large() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "GrantTooLarge",
        f"What is granted may have {BODY_LIMIT:,} bytes.",
    )
