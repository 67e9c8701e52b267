"""A collector of traces as far as tests need it: it takes OTLP over HTTP, and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class TraceReceiver:
    """What has come, and how the next requests are answered."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[dict[str, Any]] = []
        """Of requests that were taken."""
        self.headers: list[dict[str, str]] = []
        """Of all requests."""
        self.answers: list[web.Response] = []
        """For the next requests; without any, all is taken."""
        self.hangs = False

    @property
    def spans(self) -> list[dict[str, Any]]:
        """Return all spans that were taken."""
        return [
            span
            for body in self.bodies
            for resource in body["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    async def until(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many spans were taken."""
        await until(lambda: len(self.spans) >= count)
        return self.spans

    async def take(self, request: web.Request) -> web.Response:
        """Answer one request."""
        self.headers.append(dict(request.headers))
        if self.hangs:
            await asyncio.sleep(3600)
        answer = self.answers.pop(0) if self.answers else web.json_response({})
        if answer.status == 200:
            self.bodies.append(json.loads(await request.read()))
        return answer


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is true."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


@asynccontextmanager
async def trace_receiver() -> AsyncIterator[TraceReceiver]:
    """Run one on loopback."""
    receiver = TraceReceiver()
    app = web.Application()
    app.router.add_post("/v1/traces", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces"
        yield receiver
    finally:
        await runner.cleanup()
