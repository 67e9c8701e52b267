"""``subscriptions``: which access key may run which service. Nothing is stored: roles of the cluster say it.

A subscription's id is the part of the key's id behind its namespace, and the service's uid.
"""

import json
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serviceexecution.contract.json_types import JsonObject, object_of, text_of
from serviceexecution.gateway.access.callers import Caller
from serviceexecution.gateway.http.answers.in_thread import in_thread
from serviceexecution.gateway.http.bodies.reading import whole_body
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.applications.keys import key_may_run, keys_of, require_key
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.executions.pages import views
from serviceexecution.gateway.platform_api.paths import APPLICATION, SERVICE, SUBSCRIPTION, SUBSCRIPTIONS
from serviceexecution.gateway.platform_api.service_lookup import lifecycle_of
from serviceexecution.gateway.service_api.context import service_url
from serviceexecution.gateway.state.definition_index import KnownDefinition
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.resources.access_key import KeyId
from serviceexecution.resources.names import PLURAL

_NO_CACHE: Final = {"Cache-Control": "no-cache"}
_BODY_LIMIT: Final = 16 * 1024
_BODY_SECONDS: Final = 10.0
MOST_LISTED: Final = 1000
"""Executions of one answer, the newest first."""
MOST_CHECKED: Final = 100
"""Services or keys of one answer about which roles are asked one by one."""


def subscription_router(context: PlatformContext) -> APIRouter:
    """Return the routes."""
    router = platform_router()
    services = context.services

    @router.post(SUBSCRIPTIONS)
    async def create(request: Request, namespace: str) -> Response:
        """Nothing is made: the answer says that the key may run the service already."""
        caller = await context.known_caller(request, namespace)
        body = await _body(request, services.settings.body_idle_seconds)
        key = await require_key(context, caller, namespace, text_of(body.get("applicationId")))
        found = await _service(context, caller, key, text_of(body.get("serviceId")))
        return JSONResponse(_document(context, request, key, found), HTTPStatus.CREATED)

    @router.get(SUBSCRIPTION)
    async def get(request: Request, namespace: str, subscription_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        key, found = await _find(context, caller, namespace, subscription_id)
        return JSONResponse(_document(context, request, key, found), headers=_NO_CACHE)

    @router.get(f"{SUBSCRIPTION}/service-executions")
    async def executions_of(request: Request, namespace: str, subscription_id: str) -> Response:
        caller = await context.enter(request, namespace, verb="list")
        key, found = await _find(context, caller, namespace, subscription_id)
        known = list(await services.state.executions(namespace, found.metadata.name))
        chosen = await in_thread(namespace, _of_key, known, str(key))
        return JSONResponse(await views(chosen[::-1], context.view), headers=_NO_CACHE)

    @router.get(f"{APPLICATION}/subscriptions")
    async def of_application(request: Request, namespace: str, key_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        key = await require_key(context, caller, namespace, key_id)
        found = [_document(context, request, key, one) async for one in _services_of(context, caller, key)]
        return JSONResponse(found, headers=_NO_CACHE)

    @router.get(f"{SERVICE}/subscriptions")
    async def of_service(request: Request, namespace: str, service_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        call = await context.service(request, caller, namespace, service_id, verb="get")
        name = call.definition.metadata.name
        found: list[JsonObject] = []
        may_see = KeyId.of_account(caller.username) is not None or await context.may(
            caller, namespace, verb="list", resource=PLURAL
        )
        for key_id in (await keys_of(context, caller, namespace))[:MOST_CHECKED] if may_see else ():
            key = KeyId.parse(key_id)
            if key is not None and await key_may_run(context, caller, key, name):
                found.append(_document(context, request, key, call.definition))
        return JSONResponse(found, headers=_NO_CACHE)

    return router


def _of_key(known: Sequence[KnownExecution], key_id: str) -> list[KnownExecution]:
    """Return the newest that a key has submitted, the oldest first."""
    return [one for one in known if one.access_key == key_id][-MOST_LISTED:]


async def _find(
    context: PlatformContext, caller: Caller, namespace: str, subscription_id: str
) -> tuple[KeyId, KnownDefinition]:
    suffix, _, service_id = subscription_id.partition(".")
    key = await require_key(context, caller, namespace, f"{namespace}.{suffix}")
    return key, await _service(context, caller, key, service_id)


async def _service(context: PlatformContext, caller: Caller, key: KeyId, service_id: str) -> KnownDefinition:
    """Return a service that a key may run; the right is asked for before anything is looked up."""
    found = context.lookup.known(key.namespace, service_id)
    name = service_id[:253] if found is None else found.metadata.name
    if not await key_may_run(context, caller, key, name):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "Forbidden",
            f"The access key {key} may not run that service: a role of the cluster (RBAC) must allow its account "
            f"{key.account} to create servicedefinitions/run.",
        )
    found = found or await context.lookup.find(key.namespace, service_id)
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "ServiceNotFound", f"There is no service {service_id[:253]}.")
    return found


async def _services_of(
    context: PlatformContext, caller: Caller, key: KeyId
) -> AsyncIterator[KnownDefinition]:
    """Give the services that a key may run; where its role names them, those of the first ones by name."""
    known = sorted(context.services.state.known_definitions(key.namespace), key=lambda one: one.metadata.name)
    if await key_may_run(context, caller, key, ""):
        for one in known:
            yield one
        return
    for one in known[:MOST_CHECKED]:
        if await key_may_run(context, caller, key, one.metadata.name):
            yield one


def _document(context: PlatformContext, request: Request, key: KeyId, known: KnownDefinition) -> JsonObject:
    metadata = known.metadata
    return {
        "id": f"{key.suffix}.{metadata.uid}",
        "application": {"id": str(key), "name": str(key)},
        "service": {
            "id": metadata.uid,
            "serviceDefinitionId": metadata.uid,
            "name": metadata.name,
            "type": "MANAGED",
            "lifecycle": lifecycle_of(known),
            "gatewayEndpoint": service_url(request, context.services.settings, key.namespace, metadata.name),
        },
    }


async def _body(request: Request, idle_seconds: float) -> JsonObject:
    refusal = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BodyTooLarge", f"The body may have {_BODY_LIMIT:,} bytes."
    )
    data = await whole_body(request, idle_seconds, _BODY_LIMIT, refusal, _BODY_SECONDS)
    try:
        body = object_of(json.loads(data))
    except (ValueError, RecursionError):
        body = {}
    for name in ("serviceId", "applicationId"):
        if not text_of(body.get(name)):
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "InvalidBody",
                f'{name} is missing: send {{"serviceId": "…", "applicationId": "…"}} as JSON.',
                members={"path": f"$.{name}"},
            )
    return body
