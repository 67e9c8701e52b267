"""An S3 server in memory that has faults when a test wants them: what our store asks of S3, and nothing more."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from typing import Final
from xml.sax.saxutils import escape, unescape

from aiohttp import web

from serviceexecution.store.store import ResultStore

BUCKET: Final = "results"
_KEYS: Final = re.compile("<Key>(.*?)</Key>")
_PAGE: Final = 1000

Fault = Callable[[web.Request], Awaitable[web.Response | None]]
"""Gives the answer in place of the server's; None lets the server answer."""


class S3Server:
    """The objects of one bucket. ``fault`` is asked first, at each request."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.requests: list[str] = []
        self.fault: Fault | None = None
        self.url = ""
        self._uploads: dict[str, dict[int, bytes]] = {}
        self._ids = count(1)
        self._answering: set[asyncio.Task[object]] = set()

    def store(self, cluster_id: str = "cluster", **options: str) -> ResultStore:
        """Return a store on this server."""
        settings = {"endpoint": self.url, "region": "us-east-1", "allow_http": "true"}
        credentials = {"access_key_id": "key", "secret_access_key": "secret"}
        return ResultStore.open(f"s3://{BUCKET}/kept", cluster_id, {**settings, **credentials, **options})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            return await self._answer(request)
        finally:
            self._answering.discard(task)

    def stop(self) -> None:
        """End what hangs."""
        for task in self._answering:
            task.cancel()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        if self.fault is not None and (given := await self.fault(request)) is not None:
            return given
        _, _, bucket_and_key = request.path.partition("/")
        bucket, _, key = bucket_and_key.partition("/")
        if bucket != BUCKET:
            return problem(404, "NoSuchBucket")
        match request.method:
            case "GET" if not key:
                return self._list(request)
            case "GET" | "HEAD":
                return self._get(request, key)
            case "PUT":
                return await self._put(request, key)
            case "POST":
                return await self._post(request, key)
            case _:
                self._uploads.pop(request.query.get("uploadId", ""), None)
                self.objects.pop(key, None)
                return web.Response(status=204)

    def _get(self, request: web.Request, key: str) -> web.Response:
        if key not in self.objects:
            return problem(404, "NoSuchKey")
        data, modified = self.objects[key]
        headers = {"ETag": _tag(data), "Last-Modified": modified.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", ""))
        if wanted is None:
            return web.Response(body=data, headers=headers)
        start, end = int(wanted[1]), min(int(wanted[2]) + 1, len(data))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        return web.Response(status=206, body=data[start:end], headers=headers)

    async def _put(self, request: web.Request, key: str) -> web.Response:
        data = await request.read()
        upload = request.query.get("uploadId")
        if upload is not None:
            self._uploads[upload][int(request.query["partNumber"])] = data
        else:
            self.objects[key] = data, datetime.now(UTC)
        return web.Response(headers={"ETag": _tag(data)})

    async def _post(self, request: web.Request, key: str) -> web.Response:
        body = (await request.read()).decode()
        if "delete" in request.query:
            found = _KEYS.findall(body)
            for one in found:
                self.objects.pop(unescape(one), None)
            deleted = "".join(f"<Deleted><Key>{one}</Key></Deleted>" for one in found)
            return _xml(f"<DeleteResult>{deleted}</DeleteResult>")
        if "uploads" in request.query:
            upload = str(next(self._ids))
            self._uploads[upload] = {}
            return _xml(
                f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            )
        parts = self._uploads.pop(request.query["uploadId"])
        data = b"".join(parts[number] for number in sorted(parts))
        self.objects[key] = data, datetime.now(UTC)
        tag = escape(_tag(data))
        return _xml(f"<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>")

    def _list(self, request: web.Request) -> web.Response:
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter")
        after = request.query.get("continuation-token", "")
        found: dict[str, str] = {}
        for key in sorted(self.objects):
            rest = key.removeprefix(prefix)
            if not key.startswith(prefix):
                continue
            if delimiter and delimiter in rest:
                common = prefix + rest.partition(delimiter)[0] + delimiter
                found[common] = f"<CommonPrefixes><Prefix>{escape(common)}</Prefix></CommonPrefixes>"
                continue
            data, modified = self.objects[key]
            found[key] = (
                f"<Contents><Key>{escape(key)}</Key><Size>{len(data)}</Size><ETag>{escape(_tag(data))}</ETag>"
                f"<LastModified>{modified.strftime('%Y-%m-%dT%H:%M:%S.000Z')}</LastModified></Contents>"
            )
        names = [name for name in found if name > after]
        page = names[:_PAGE]
        more = ""
        if len(names) > _PAGE:
            more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>"
        truncated = str(bool(more)).lower()
        text = "".join(found[name] for name in page)
        return _xml(
            f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{text}</ListBucketResult>"
        )


def problem(status: int, code: str) -> web.Response:
    """Return an error as S3 words it."""
    text = f"<Error><Code>{code}</Code><Message>{HTTPStatus(status).phrase}</Message></Error>"
    return web.Response(status=status, text=text, content_type="application/xml")


def _xml(text: str) -> web.Response:
    return web.Response(text=f"<?xml version='1.0'?>{text}", content_type="application/xml")


def _tag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@asynccontextmanager
async def s3_server() -> AsyncIterator[S3Server]:
    """Serve on loopback until the end of the block."""
    server = S3Server()
    app = web.Application(client_max_size=1024**3)
    app.router.add_route("*", "/{anything:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.stop()
        await runner.cleanup()


async def hang(_: web.Request) -> web.Response:
    """Never answer."""
    await asyncio.sleep(3600)
    raise AssertionError


async def drop(request: web.Request) -> web.Response:
    """Close the connection in place of an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def refuse(status: int, code: str, *, writes_only: bool = False) -> Fault:
    """Answer with an error."""

    async def fault(request: web.Request) -> web.Response | None:
        if writes_only and (request.method in {"GET", "HEAD", "DELETE"} or "delete" in request.query):
            return None
        return problem(status, code)

    return fault
