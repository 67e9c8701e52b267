"""An open stream of the gateway, and a gateway that watches."""

import asyncio
import json
from typing import Any

import pytest

from serviceexecution.gateway.waiting import events
from tests.unit.gateway.service_api.service_harness import ALICE, Service


class Stream:
    """An open stream, read from the app itself: the client of the tests gives an answer only when it has ended."""

    def __init__(self, service, url, last=""):
        headers = {**ALICE, **({"Last-Event-ID": last} if last else {})}
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": url,
            "raw_path": url.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", b"gateway"),
                *((k.lower().encode(), v.encode()) for k, v in headers.items()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("gateway", 80),
        }
        self._text = ""
        self.task = asyncio.create_task(service.app(scope, self._receive, self._messages.put))

    async def _receive(self):
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def next(self):
        """Return the next event, as its kind, its id and its data; None at the end of the stream."""
        async with asyncio.timeout(10):
            while "\n\n" not in self._text:
                message = await self._messages.get()
                self._text += message.get("body", b"").decode()
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    return None
        text, _, self._text = self._text.partition("\n\n")
        if text.startswith(":"):
            return await self.next()
        fields = dict(line.split(": ", 1) for line in text.splitlines())
        return fields["event"], fields.get("id", ""), json.loads(fields["data"])

    async def leave(self):
        self._gone.set()
        await asyncio.wait({self.task}, timeout=5)


@pytest.fixture
async def service(tmp_path, monkeypatch):
    monkeypatch.setattr(events, "PAUSE_SECONDS", 0.01)
    found = Service(tmp_path)
    watching = asyncio.create_task(found.state.run())
    async with asyncio.timeout(5):
        while not found.state.ready:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.001)
    yield found
    found.draining.set()
    watching.cancel()
    await found.schemas.close()
