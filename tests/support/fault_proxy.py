"""A proxy before a server of an object store that has faults when a test wants them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, web
from yarl import URL

from tests.support.s3 import Fault, drop

_HOP: Final = frozenset({"connection", "content-length", "transfer-encoding"})


class FaultProxy:
    """Passes requests on as they came, so that their signatures stay true."""

    def __init__(self, server: str) -> None:
        self.url = ""
        self.requests: list[str] = []
        self.fault: Fault | None = None
        """Asked before the server is."""
        self.lost_answers = 0
        """So many answers get lost on their way back: the server has done what was asked."""
        self.cut_answers = 0
        """So many answers stop in their middle."""
        self._server = server
        self._session: ClientSession | None = None
        self._answering: set[asyncio.Task[object]] = set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            return await self._answer(request)
        finally:
            self._answering.discard(task)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        if self.fault is not None and (given := await self.fault(request)) is not None:
            return given
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        async with self._session.request(
            request.method,
            URL(f"{self._server}{request.raw_path}", encoded=True),
            headers=headers,
            data=await request.read(),
            allow_redirects=False,
        ) as answer:
            data = await answer.read()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            if self.lost_answers:
                self.lost_answers -= 1
                return await drop(request)
            if self.cut_answers and data:
                self.cut_answers -= 1
                return await _half(request, answer.status, kept, data)
            if request.method == "HEAD":
                kept["Content-Length"] = answer.headers.get("Content-Length", "0")
            return web.Response(status=answer.status, body=data, headers=kept)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve on loopback until the end of the block."""
        async with ClientSession(
            auto_decompress=False, cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=60)
        ) as self._session:
            app = web.Application(client_max_size=1024**3)
            app.router.add_route("*", "/{anything:.*}", self.answer)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            try:
                yield
            finally:
                for task in self._answering:  # What hangs
                    task.cancel()
                await runner.cleanup()


async def _half(
    request: web.Request, status: int, headers: dict[str, str], data: bytes
) -> web.StreamResponse:
    answer = web.StreamResponse(status=status, headers={**headers, "Content-Length": str(len(data))})
    await answer.prepare(request)
    await answer.write(data[: len(data) // 2])
    await drop(request)
    return answer
