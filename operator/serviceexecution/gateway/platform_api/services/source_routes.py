"""``managed-services/<id>/source``: the archive that a service is built from, uploaded and fetched."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.access.rights import UPLOAD_SOURCE
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.platform_api.context import PlatformContext, platform_router
from serviceexecution.gateway.platform_api.paths import MANAGED_SERVICE
from serviceexecution.gateway.platform_api.services import managed_bodies
from serviceexecution.gateway.platform_api.services.definition_writes import fresh_definition, write_change
from serviceexecution.gateway.sources.uploads import SourceUploads
from serviceexecution.resources.services.source import NO_ARCHIVE

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Disposition": "attachment",
    "X-Content-Type-Options": "nosniff",
}


def source_router(context: PlatformContext, uploads: SourceUploads) -> APIRouter:
    """Return the routes."""
    router = platform_router()
    services = context.services

    @router.put(f"{MANAGED_SERVICE}/source/file")
    async def upload(request: Request, namespace: str, service_id: str) -> Response:
        """The archive is whole in the store before the service names it; else it goes with the next sweep."""
        caller = await context.known_caller(request, namespace)
        await services.access.require(
            caller,
            verb=UPLOAD_SOURCE.verb,
            resource=UPLOAD_SOURCE.resource,
            subresource=UPLOAD_SOURCE.subresource,
            namespace=namespace,
        )
        # What is uploaded is built and runs: it is a change of the service as well
        call = await context.service(request, caller, namespace, service_id, verb="patch")
        _check(await fresh_definition(context, call))
        try:
            digest = await uploads.receive_part(request, namespace)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)

        def change(definition: JsonObject) -> JsonObject:
            _check(definition)
            return managed_bodies.archive_patch(definition, digest)

        await write_change(context, call, change)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.get(f"{MANAGED_SERVICE}/source")
    async def download(request: Request, namespace: str, service_id: str) -> Response:
        caller = await context.known_caller(request, namespace)
        call = await context.service(request, caller, namespace, service_id, verb="get", subresource="source")
        source = (await services.whole_definition(call.definition)).spec.source
        if source is None or source.archive is None or source.archive.digest == NO_ARCHIVE:
            raise _no_source("No archive was uploaded for this service.")
        digest = source.archive.digest.removeprefix("sha256:")
        stream = await services.store.sources.open_source(namespace, digest)
        if stream is None:
            raise _no_source("The service's archive is not in the store; upload it again.")
        headers = {**_HEADERS, "Content-Length": str(stream.size), "ETag": f'"{digest}"'}
        return StreamingResponse(stream.chunks, media_type="application/octet-stream", headers=headers)

    return router


def _check(definition: JsonObject) -> None:
    managed_bodies.check_managed(definition)
    managed_bodies.check_takes_archive(definition)


def _no_source(sentence: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "SourceNotFound", sentence)
