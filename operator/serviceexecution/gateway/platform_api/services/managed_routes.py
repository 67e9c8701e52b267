"""``managed-services``: made, configured, built."""

import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.contract.json_types import JsonObject, JsonValue, metadata_of, object_at
from serviceexecution.gateway.access.callers import Caller
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE
from serviceexecution.gateway.http.path_names import is_namespace
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.paths import MANAGED_SERVICE, MANAGED_SERVICES
from serviceexecution.gateway.platform_api.services import managed_bodies
from serviceexecution.gateway.platform_api.services.bodies import json_body, members, text, wrong
from serviceexecution.gateway.platform_api.services.definition_writes import refused_write, write_change
from serviceexecution.gateway.platform_api.services.shown import shown_service
from serviceexecution.gateway.service_api.context import Call, service_url
from serviceexecution.gateway.service_api.submission.idempotency import request_digest
from serviceexecution.kube.errors import AlreadyExistsError, KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.resources.names import ANNOTATION_REQUEST_DIGEST, DEFINITION_PLURAL

_LONGEST_NAME: Final = 63
_Change = Callable[[JsonObject, JsonValue], JsonObject]
CHANGES: Final[dict[str, _Change]] = {
    "source": managed_bodies.source_patch,
    "runtime-configuration": managed_bodies.runtime_patch,
}
"""What is changed → from the service and the body to a merge patch; and resources, by the cluster's accelerators."""


def managed_router(context: PlatformContext) -> APIRouter:
    """Return the routes."""
    router = platform_router()
    services = context.services

    @router.post(MANAGED_SERVICES)
    async def create(request: Request, namespace: str) -> Response:
        caller = await context.enter(request, namespace, verb="create", resource=DEFINITION_PLURAL)
        try:
            body, found = await json_body(request, services.settings)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        name = _name(members(found))
        # Nobody else's request finds what this one has made
        digest = request_digest(f"service\0{caller.username}", body)
        accelerators = services.settings.accelerators
        manifest = managed_bodies.new_definition(members(found), name, digest, accelerators)
        stored, made = await _created(context, caller, namespace, manifest)
        known = services.state.note_definition(stored)
        if known is None:
            raise unavailable("TryAgain", "The service cannot be read by this version of the gateway.")
        call = Call(caller, known, service_url(request, services.settings, namespace, name))
        document = await shown_service(context, call)
        return JSONResponse(document, HTTPStatus.CREATED if made else HTTPStatus.OK)

    def changed(
        patch_of: _Change,
    ) -> Callable[..., Awaitable[Response]]:
        async def put(request: Request, namespace: str, service_id: str) -> Response:
            caller = await context.known_caller(request, namespace)
            call = await context.service(request, caller, namespace, service_id, verb="patch")
            try:
                _, body = await json_body(request, services.settings)
            except ClientDisconnect:
                return Response(status_code=CLIENT_GONE)

            def change(definition: JsonObject) -> JsonObject:
                managed_bodies.check_managed(definition)
                return patch_of(definition, body)

            await write_change(context, call, change)
            return Response(status_code=HTTPStatus.NO_CONTENT)

        return put

    changes: dict[str, _Change] = {
        **CHANGES,
        "resource-configuration": partial(
            managed_bodies.resource_patch, accelerators=services.settings.accelerators
        ),
    }
    for path, patch_of in changes.items():
        router.add_api_route(f"{MANAGED_SERVICE}/{path}", changed(patch_of), methods=["PUT"])

    @router.put(f"{MANAGED_SERVICE}/build")
    async def build(request: Request, namespace: str, service_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        call = await context.service(request, caller, namespace, service_id, verb="patch")
        token = uuid.uuid4().hex

        def change(definition: JsonObject) -> JsonObject:
            managed_bodies.check_managed(definition)
            return managed_bodies.build_patch(definition, token)

        await write_change(context, call, change)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


async def _created(
    context: PlatformContext, caller: Caller, namespace: str, manifest: JsonObject
) -> tuple[JsonObject, bool]:
    """Return the service, and whether it is new: the same request may have made it before."""
    client, metadata = context.services.client, metadata_of(manifest)
    name = str(metadata["name"])
    try:
        return await client.create(SERVICE_DEFINITIONS, namespace, manifest), True
    except AlreadyExistsError:
        found = await client.get(SERVICE_DEFINITIONS, namespace, name) or {}
    except KubernetesError as error:
        raise refused_write(error) from None
    digests = [
        object_at(one, "metadata", "annotations").get(ANNOTATION_REQUEST_DIGEST) for one in (found, manifest)
    ]
    if digests[0] != digests[1] or not await context.may(
        caller, namespace, verb="get", resource=DEFINITION_PLURAL, name=name
    ):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "NameTaken",
            f"There is a service {name} already: choose another name, or change that one.",
            members={"path": "$.name"},
        )
    return found, False


def _name(body: JsonObject) -> str:
    name = text(body, "name", _LONGEST_NAME)
    if not name or not is_namespace(name):
        raise wrong(
            "$.name",
            f"name must have 1 to {_LONGEST_NAME} small letters, digits and '-', a letter or digit at each end: it is "
            "a part of the service's URL.",
        )
    return name
