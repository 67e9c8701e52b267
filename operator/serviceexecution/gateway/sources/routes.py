"""/api/v1/…/sources: people upload archives under the SHA-256 of their bytes."""

import re
from email.utils import format_datetime
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.gateway import metrics
from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.access.rights import UPLOAD_SOURCE
from serviceexecution.gateway.http.bodies.pace import Pace, paced_chunks
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE, content_length
from serviceexecution.gateway.http.bodies.upload_slots import UploadSlots
from serviceexecution.gateway.http.path_names import is_namespace
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.sources.archives import archive_too_large, checked_archive
from serviceexecution.store.errors import SourceMismatchError
from serviceexecution.store.store import ResultStore

SOURCE: Final = "/namespaces/{namespace}/sources/{digest}"

_DIGEST: Final = re.compile("[0-9a-f]{64}")


def sources_router(store: ResultStore, access: Access, settings: GatewaySettings) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", redirect_slashes=False)
    sources = _Sources(store, access, settings)
    router.put(SOURCE)(sources.put)
    router.head(SOURCE)(sources.head)
    return router


class _Sources:
    """What the routes do, with the slots that all uploads of sources share."""

    def __init__(self, store: ResultStore, access: Access, settings: GatewaySettings) -> None:
        self._store = store
        self._access = access
        self._settings = settings
        # Slots of their own: people who upload slowly hold up no output of programs
        self._slots = UploadSlots(
            large=settings.source_uploads,
            small=settings.small_uploads,
            queue_seconds=settings.upload_queue_seconds,
        )

    async def put(self, request: Request, namespace: str, digest: str) -> Response:
        """Receive an archive, checked while it comes in."""
        await self._authorise(request, namespace, digest)
        length = content_length(request)
        if length is not None and length > self._settings.source_limit:
            raise archive_too_large(self._settings.source_limit)
        # One that is there is received all the same: it is checked again, and counts as uploaded now
        known = await self._store.sources.stat_source(namespace, digest)
        try:
            size = await self._receive(request, namespace, digest, length)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)  # Nobody reads it; nothing was stored
        except SourceMismatchError as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "DigestMismatch", _sentence(error)) from None
        metrics.SOURCES.inc()
        return JSONResponse(
            {"digest": f"sha256:{digest}", "size": size},
            HTTPStatus.CREATED if known is None else HTTPStatus.OK,
            headers={"ETag": f'"{digest}"'},
        )

    async def head(self, request: Request, namespace: str, digest: str) -> Response:
        """Say whether an archive is there."""
        await self._authorise(request, namespace, digest)
        found = await self._store.sources.stat_source(namespace, digest)
        if found is None:
            raise Problem(
                HTTPStatus.NOT_FOUND, "SourceNotFound", "There is no archive of that digest; upload it."
            )
        headers = {
            "Content-Length": str(found.size),
            "ETag": f'"{digest}"',
            "Last-Modified": format_datetime(found.uploaded_at, usegmt=True),
        }
        return Response(headers=headers)

    async def _receive(self, request: Request, namespace: str, digest: str, length: int | None) -> int:
        async with self._slots.turn(namespace, length) as contended:
            body = paced_chunks(
                request,
                Pace(contended),
                idle_seconds=self._settings.body_idle_seconds,
                all_seconds=self._settings.source_seconds,
            )
            chunks = checked_archive(body, self._settings.source_limit)
            return await self._store.sources.write_source(
                namespace, digest, chunks, expected_size=length or 0
            )

    async def _authorise(self, request: Request, namespace: str, digest: str) -> None:
        caller = await self._access.authenticate(request)
        served = self._settings.namespaces
        if not is_namespace(namespace) or (served and namespace not in served):
            raise _no_namespace(namespace)
        await self._access.require(
            caller,
            verb=UPLOAD_SOURCE.verb,
            resource=UPLOAD_SOURCE.resource,
            subresource=UPLOAD_SOURCE.subresource,
            namespace=namespace,
        )
        if not _DIGEST.fullmatch(digest):
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "InvalidDigest",
                "The path must end in the archive's SHA-256, 64 hexadecimal digits in lower case.",
            )


def _sentence(error: SourceMismatchError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _no_namespace(namespace: str) -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND, "NamespaceNotServed", f"The namespace {namespace[:63]} is not served here."
    )
