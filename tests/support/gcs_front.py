"""What our store asks of Google's XML API and fake-gcs-server lacks: uploads, whole and in parts, and lists by page.

The server has these under its JSON API, which this asks instead. All else goes to the server as it came.
"""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from itertools import count
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from aiohttp import ClientSession, web

_PAGE: Final = "1000"
_HOP: Final = frozenset({"connection", "content-length", "host", "transfer-encoding"})
_NO_BUCKET: Final = (
    "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist.</Message></Error>"
)


class GcsFront:
    """Stands before one fake-gcs-server."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._uploads: dict[str, dict[int, bytes]] = {}
        self._ids = count(1)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        bucket, _, key = request.match_info["path"].partition("/")
        upload = request.query.get("uploadId", "")
        async with ClientSession() as session:
            match request.method:
                case "GET" if not key:
                    return await self._list(session, bucket, request)
                case "PUT" if upload:
                    data = await request.read()
                    if upload not in self._uploads:  # It was given up while the part was under way
                        return web.Response(status=404, text="<Error><Code>NoSuchUpload</Code></Error>")
                    self._uploads[upload][int(request.query["partNumber"])] = data
                    return web.Response(headers={"ETag": f'"{request.query["partNumber"]}"'})
                case "PUT":
                    return await self._write(session, bucket, key, await request.read())
                case "POST" if "uploads" in request.query:
                    new = str(next(self._ids))
                    self._uploads[new] = {}
                    return _xml(
                        f"<InitiateMultipartUploadResult><UploadId>{new}</UploadId></InitiateMultipartUploadResult>"
                    )
                case "POST" if upload:
                    return await self._complete(session, bucket, key, upload)
                case "DELETE" if upload:
                    self._uploads.pop(upload, None)
                    return web.Response(status=204)
                case _:
                    return await self._pass_on(session, request)

    async def _pass_on(self, session: ClientSession, request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        async with session.request(
            request.method, f"{self._server}{request.raw_path}", headers=headers, data=await request.read()
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            if request.method == "HEAD":
                kept["Content-Length"] = answer.headers.get("Content-Length", "0")
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    async def _write(self, session: ClientSession, bucket: str, key: str, data: bytes) -> web.Response:
        url = f"{self._server}/upload/storage/v1/b/{bucket}/o"
        query = {"uploadType": "media", "name": key}
        async with session.post(url, params=query, data=data) as answer:
            if answer.status == 404:
                return web.Response(status=404, text=_NO_BUCKET, content_type="application/xml")
            found = await answer.json()
            headers = {"ETag": str(found["etag"]), "x-goog-generation": str(found["generation"])}
            return web.Response(headers=headers)

    async def _complete(self, session: ClientSession, bucket: str, key: str, upload: str) -> web.Response:
        parts = self._uploads.pop(upload)
        written = await self._write(session, bucket, key, b"".join(parts[number] for number in sorted(parts)))
        if written.status != 200:
            return written
        tag = escape(written.headers["ETag"])
        answer = _xml(f"<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>")
        answer.headers["x-goog-generation"] = written.headers["x-goog-generation"]
        return answer

    async def _list(self, session: ClientSession, bucket: str, request: web.Request) -> web.Response:
        query = {"maxResults": _PAGE, "prefix": request.query.get("prefix", "")}
        query |= {"delimiter": request.query["delimiter"]} if request.query.get("delimiter") else {}
        if token := request.query.get("continuation-token"):
            query["pageToken"] = token
        async with session.get(f"{self._server}/storage/v1/b/{quote(bucket)}/o", params=query) as answer:
            if answer.status == 404:
                return web.Response(status=404, text=_NO_BUCKET, content_type="application/xml")
            page = await answer.json()
        more = page.get("nextPageToken", "")
        texts = [
            f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>"
            for one in page.get("prefixes", ())
        ]
        texts += [
            f"<Contents><Key>{escape(one['name'])}</Key><Size>{one['size']}</Size>"
            f"<ETag>{escape(one['etag'])}</ETag><LastModified>{_milliseconds(one['updated'])}</LastModified></Contents>"
            for one in page.get("items", ())
        ]
        if more:
            texts.append(f"<NextContinuationToken>{escape(more)}</NextContinuationToken>")
        truncated = f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
        return _xml(f"<ListBucketResult>{truncated}{''.join(texts)}</ListBucketResult>")


def _xml(text: str) -> web.Response:
    return web.Response(text=f"<?xml version='1.0'?>{text}", content_type="application/xml")


def _milliseconds(time: str) -> str:
    return re.sub(r"(\.\d{3})\d*", r"\1", time)


@contextlib.contextmanager
def gcs_front(server: str, host: str) -> Iterator[str]:
    """Serve on a port of ``host`` until the end of the block, in a thread of its own; gives the address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=1024**3)
        app.router.add_route("*", "/{path:.*}", GcsFront(server).answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, host, 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
