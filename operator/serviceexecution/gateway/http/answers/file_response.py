"""An output file as an HTTP response: ranges, entity tags, safe headers (RFC 9110)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from serviceexecution.gateway.http.answers.byte_ranges import (
    content_disposition,
    etag_is_refused,
    etag_matches,
    parse_range,
)
from serviceexecution.gateway.http.problems import Problem


class OpenedFile(Protocol):
    """Bytes ``start`` to ``end`` (exclusive) of a file of ``size`` bytes."""

    @property
    def size(self) -> int: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def chunks(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file. ``tag`` is its entity tag: the digest, where it is known."""

    path: str
    size: int
    tag: str
    media_type: str


Opener = Callable[[tuple[int, int] | None], Awaitable[OpenedFile | None]]
"""Opens the file, or a range of it; None when it is not there."""


async def file_response(file: ServedFile, request: Request, open_file: Opener) -> Response:
    """Return the answer to GET or HEAD; raises Problem 416, or 500 when the store has lost the file."""
    etag = f'"{file.tag}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": content_disposition(file.path),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    if etag_is_refused(request.headers.get("if-match"), etag):
        raise Problem(
            HTTPStatus.PRECONDITION_FAILED,
            "PreconditionFailed",
            "The file has another ETag than If-Match names.",
        )
    if etag_matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Type"] = _content_type(file.media_type)  # As a header: Response would add a charset
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
    stream = await open_file(wanted)
    if stream is None or stream.size != file.size:
        raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "FileLost", f"The store has lost {file.path}.")
    headers["Content-Length"] = str(stream.end - stream.start)
    status = HTTPStatus.OK
    if wanted is not None:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {stream.start}-{stream.end - 1}/{stream.size}"
    return StreamingResponse(stream.chunks, status, headers=headers)


def _content_type(media_type: str) -> str:
    """Return the header's value: text is UTF-8 unless its type says something else."""
    if media_type.startswith("text/") and "charset=" not in media_type.lower():
        return f"{media_type}; charset=utf-8"
    return media_type
