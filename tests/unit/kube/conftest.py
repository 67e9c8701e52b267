"""A fake API server: an aiohttp application on loopback, one handler per test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from serviceexecution.kube.client import KubernetesClient

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class FakeApiServer:
    """Answers every request by ``handler`` and remembers what was asked."""

    url: str = ""
    handler: Handler | None = None
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path, dict(request.query), await request.read()))
        self.headers.append(dict(request.headers))
        assert self.handler is not None
        return await self.handler(request)

    def always(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        async def handler(request: web.Request) -> web.StreamResponse:
            return web.json_response(body, status=status, headers=headers)

        self.handler = handler

    def in_turn(self, *answers: tuple[int, Any, dict[str, str]]) -> None:
        left = list(answers)

        async def handler(request: web.Request) -> web.StreamResponse:
            status, body, headers = left.pop(0)
            return web.json_response(body, status=status, headers=headers)

        self.handler = handler


@pytest.fixture
async def api() -> AsyncIterator[FakeApiServer]:
    fake = FakeApiServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", fake.answer)
    server = TestServer(application)
    await server.start_server()
    fake.url = f"http://127.0.0.1:{server.port}"
    yield fake
    await server.close()


@pytest.fixture
async def client(api: FakeApiServer, tmp_path, monkeypatch) -> AsyncIterator[KubernetesClient]:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        f"""
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
clusters: [{{name: here, cluster: {{server: "{api.url}"}}}}]
users: [{{name: me, user: {{token: sesame}}}}]
"""
    )
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    client = await KubernetesClient.connect(user_agent="test/1", qps=10_000, burst=10_000)
    yield client
    await client.close()
