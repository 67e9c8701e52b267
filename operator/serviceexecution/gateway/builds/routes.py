"""/build/v1: what the pods of builds call. The only credential is the pod-bound token of their own audience."""

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from serviceexecution.gateway.builds.build_identity import BuilderAuthentication
from serviceexecution.gateway.builds.reports import MAX_REPORT_BYTES, parse_report
from serviceexecution.gateway.http.bodies.reading import CLIENT_GONE, whole_body
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.store.store import ResultStore

_MAX_BUNDLE_BYTES: Final = 4 * 1024 * 1024
_PEM: Final = "application/pem-certificate-chain"


def builds_router(store: ResultStore, client: GatewayKubernetes, settings: GatewaySettings) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/build/v1", redirect_slashes=False)
    authentication = BuilderAuthentication(client)

    @router.get("/source")
    async def get_source(request: Request) -> Response:
        identity = await authentication.identify(request)
        authentication.refuse_over(identity)
        digest = identity.source_digest
        if digest is None:
            raise Problem(HTTPStatus.NOT_FOUND, "SourceNotFound", "This build is of no archive.")
        stream = await store.sources.open_source(identity.namespace, digest)
        if stream is None:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                "SourceNotFound",
                f"The archive sha256:{digest} is not in the store; upload it again.",
            )
        headers = {"Content-Length": str(stream.size), "ETag": f'"{digest}"', "Cache-Control": "no-store"}
        return StreamingResponse(stream.chunks, media_type="application/octet-stream", headers=headers)

    @router.get("/ca-bundle")
    async def get_ca_bundle(request: Request) -> Response:
        authentication.refuse_over(await authentication.identify(request))
        bundle = await asyncio.to_thread(_read_bundle, settings.build_ca_file)
        if not bundle:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return Response(bundle, media_type=_PEM)

    @router.put("/report")
    async def put_report(request: Request) -> Response:
        identity = await authentication.identify(request)
        try:
            body = await whole_body(request, settings.body_idle_seconds, MAX_REPORT_BYTES, _too_large())
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        report = parse_report(body, identity.job_uid)
        known = await store.reports.read(identity.reference)
        if known == report:  # Also when the build is over by now: the first answer was lost
            return Response(status_code=HTTPStatus.NO_CONTENT)
        authentication.refuse_over(identity)
        if known is not None and known.job_uid == identity.job_uid:
            raise Problem(HTTPStatus.CONFLICT, "AlreadyReported", "This build has reported something else.")
        await store.reports.write(identity.reference, report)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


def _read_bundle(path: str) -> bytes:
    """Return the certificates, nothing when there are none: the ConfigMap they come from may be missing."""
    if not path:
        return b""
    try:
        with Path(path).open("rb") as file:
            bundle = file.read(_MAX_BUNDLE_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise unavailable("BundleUnreadable", f"The CA bundle cannot be read: {error.strerror}.") from None
    if len(bundle) > _MAX_BUNDLE_BYTES:
        raise unavailable("BundleUnreadable", f"The CA bundle has more than {_MAX_BUNDLE_BYTES:,} bytes.")
    return bundle


def _too_large() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "ReportTooLarge",
        f"A report may have {MAX_REPORT_BYTES:,} bytes.",
        members={"limit": MAX_REPORT_BYTES},
    )
