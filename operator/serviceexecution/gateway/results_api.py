"""/api/v1: what users call to read an execution's files and log, with their cluster account."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from serviceexecution.gateway.byte_ranges import content_disposition, etag_matches, parse_range
from serviceexecution.gateway.callers import CallerAuthorization, FoundExecution
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.problems import Problem
from serviceexecution.store.records import OutputManifest, StoredFile
from serviceexecution.store.store import ResultStore

_EXECUTION: Final = "/namespaces/{namespace}/executions/{name}"


def results_router(store: ResultStore, client: GatewayKubernetes) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", redirect_slashes=False)
    authorization = CallerAuthorization(client)

    @router.get(f"{_EXECUTION}/files")
    async def list_files(request: Request, namespace: str, name: str) -> Response:
        found = await authorization.find(request, namespace, name, "results")
        manifest = await _manifest(store, found)
        return JSONResponse(manifest.model_dump(mode="json", by_alias=True, exclude={"version", "pod_uid"}))

    @router.api_route(f"{_EXECUTION}/files/{{path:anything}}", methods=["GET", "HEAD"])
    async def get_file(request: Request, namespace: str, name: str, path: str) -> Response:
        found = await authorization.find(request, namespace, name, "results")
        manifest = await _manifest(store, found)
        file = next((file for file in manifest.files if file.path == path), None)
        if file is None:
            raise Problem(HTTPStatus.NOT_FOUND, "FileNotFound", f"There is no output file {path}.")
        return await _file_response(store, found, manifest, file, request)

    @router.get(f"{_EXECUTION}/log")
    async def get_log(request: Request, namespace: str, name: str, *, timestamps: bool = False) -> Response:
        found = await authorization.find(request, namespace, name, "log")
        record = await store.read_log_record(found.ref)
        attempt = found.attempt if record is None else record.attempt
        chunks = await store.list_log_chunks(found.ref, attempt=attempt)

        async def text() -> AsyncIterator[bytes]:
            for sequence, _ in chunks:
                data = await store.read_log_chunk(found.ref, sequence, attempt=attempt)
                yield data if timestamps else without_timestamps(data)

        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"}
        return StreamingResponse(text(), media_type="text/plain; charset=utf-8", headers=headers)

    return router


def without_timestamps(data: bytes) -> bytes:
    """Return whole lines "<RFC 3339 time> text" without the times."""
    return b"\n".join(line.partition(b" ")[2] for line in data.split(b"\n"))


async def _manifest(store: ResultStore, found: FoundExecution) -> OutputManifest:
    manifest = await store.read_manifest(found.ref)
    if manifest is None:
        raise Problem(
            HTTPStatus.NOT_FOUND, "NoResultYet", f"The output of {found.ref.name} has not been collected."
        )
    return manifest


async def _file_response(
    store: ResultStore, found: FoundExecution, manifest: OutputManifest, file: StoredFile, request: Request
) -> Response:
    etag = f'"{file.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": content_disposition(file.path),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    if etag_matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Type"] = file.media_type  # as a header: Response would add a charset
    if request.method == "HEAD":
        return Response(headers=headers | {"Content-Length": str(file.size)})
    wanted = None
    if request.headers.get("if-range", etag) == etag:
        wanted = parse_range(request.headers.get("range"), file.size)
    if wanted == "unsatisfiable":
        raise Problem(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            "RangeNotSatisfiable",
            f"The file has {file.size} bytes.",
            headers={"Content-Range": f"bytes */{file.size}"},
        )
    stream = await store.open_output(found.ref, file.path, wanted, attempt=manifest.attempt)
    if stream is None or stream.size != file.size:
        raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "FileLost", f"The store has lost {file.path}.")
    headers["Content-Length"] = str(stream.end - stream.start)
    status = HTTPStatus.OK
    if wanted is not None:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {stream.start}-{stream.end - 1}/{stream.size}"
    return StreamingResponse(stream.chunks, status, headers=headers)
