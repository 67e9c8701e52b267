"""/api/v1/…/sources: people upload archives under the SHA-256 of their bytes."""

import re
from email.utils import format_datetime
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.access.rights import UPLOAD_SOURCE
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE
from serviceexecution.gateway.http.path_names import is_namespace
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.sources.uploads import SourceUploads
from serviceexecution.store.errors import SourceMismatchError
from serviceexecution.store.store import ResultStore

SOURCE: Final = "/namespaces/{namespace}/sources/{digest}"

_DIGEST: Final = re.compile("[0-9a-f]{64}")


def sources_router(
    store: ResultStore, access: Access, settings: GatewaySettings, uploads: SourceUploads
) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", redirect_slashes=False)
    sources = _Sources(store, access, settings, uploads)
    router.put(SOURCE)(sources.put)
    router.head(SOURCE)(sources.head)
    return router


class _Sources:
    """What the routes do."""

    def __init__(
        self, store: ResultStore, access: Access, settings: GatewaySettings, uploads: SourceUploads
    ) -> None:
        self._store = store
        self._access = access
        self._settings = settings
        self._uploads = uploads

    async def put(self, request: Request, namespace: str, digest: str) -> Response:
        """Receive an archive, checked while it comes in."""
        await self._authorise(request, namespace, digest)
        # One that is there is received all the same: it is checked again, and counts as uploaded now
        known = await self._store.sources.stat_source(namespace, digest)
        try:
            size = await self._uploads.receive(request, namespace, digest)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)  # Nobody reads it; nothing was stored
        except SourceMismatchError as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "DigestMismatch", _sentence(error)) from None
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
