"""``services``: listed, looked at, described, deleted."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.gateway.http.answers.in_thread import in_thread
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.paths import SERVICE, SERVICES
from serviceexecution.gateway.platform_api.service_lookup import lifecycle_of
from serviceexecution.gateway.platform_api.services.definition_writes import no_writes
from serviceexecution.gateway.platform_api.services.documents import overview, statistics
from serviceexecution.gateway.platform_api.services.shown import shown_service
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.resources.names import DEFINITION_PLURAL

_NO_CACHE: Final = {"Cache-Control": "no-cache"}
_FEW: Final = 200
"""So many are listed in some milliseconds; more in a thread."""


def service_router(context: PlatformContext) -> APIRouter:
    """Return the routes; fixed names come before those that stand for an id."""
    router = platform_router()
    services = context.services

    @router.get(SERVICES)
    async def list_services(request: Request, namespace: str) -> Response:
        await context.enter(request, namespace, verb="list", resource=DEFINITION_PLURAL)
        wanted = set(request.query_params.getlist("lifecycle"))
        known = list(services.state.known_definitions(namespace))
        listed = (
            _listed(known, wanted)
            if len(known) <= _FEW
            else await in_thread(namespace, _listed, known, wanted)
        )
        return Response(listed, media_type="application/json", headers=_NO_CACHE)

    @router.get(f"{SERVICES}/name-available")
    async def name_available(request: Request, namespace: str) -> Response:
        await context.enter(request, namespace, verb="list", resource=DEFINITION_PLURAL)
        name = request.query_params.get("name", "")
        return JSONResponse(
            all(one.metadata.name != name for one in services.state.known_definitions(namespace))
        )

    @router.get(SERVICE)
    async def get_service(request: Request, namespace: str, service_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        call = await context.service(request, caller, namespace, service_id, verb="get")
        return JSONResponse(await shown_service(context, call), headers=_NO_CACHE)

    @router.delete(SERVICE)
    async def delete_service(request: Request, namespace: str, service_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        call = await context.service(request, caller, namespace, service_id, verb="delete")
        metadata = call.definition.metadata
        try:
            await services.client.delete(SERVICE_DEFINITIONS, namespace, metadata.name, uid=metadata.uid)
        except KubernetesError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                raise no_writes("delete") from None
            raise
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.get(f"{SERVICE}/statistics")
    async def get_statistics(request: Request, namespace: str, service_id: str) -> Response:
        caller = await context.enter(request, namespace, verb="list")
        call = await context.service(request, caller, namespace, service_id, verb="get")
        executions = await services.state.executions(namespace, call.definition.metadata.name)
        kept = await services.usages.read(namespace, call.definition.metadata.name, None)
        counted = await in_thread(namespace, statistics, executions, kept, datetime.now(UTC))
        return JSONResponse(counted, headers=_NO_CACHE)

    return router


def _listed(known: Sequence[KnownDefinition], wanted: set[str]) -> bytes:
    found = [one for one in known if not wanted or lifecycle_of(one) in wanted]
    found.sort(key=lambda one: one.metadata.name)
    listed = [overview(one) for one in found]
    return json.dumps(listed, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
