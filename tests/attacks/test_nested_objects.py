"""Controller 8c: an object nested thousands deep keeps nobody from all others.

Fails on 9b98b50: lists and watches raised RecursionError, which ended the gateway again and again until somebody
deleted the object by hand.
"""

import asyncio
import json
import uuid

from aiohttp import web
from aiohttp.test_utils import TestServer

from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.client import KubernetesClient
from tests.attacks.deep_json import levels

__all__ = ["levels"]


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def execution(number: int, *, deep: int = 1) -> str:
    body = json.dumps(
        {
            "metadata": {
                "name": str(uuid.UUID(int=number)),
                "namespace": "team-a",
                "uid": str(uuid.UUID(int=number + 10**9)),
                "resourceVersion": str(number),
                "creationTimestamp": "2026-11-27T00:00:00Z",
            },
            "spec": {"serviceRef": {"name": "sum"}, "input": {"a": "DEEP"}},
        }
    )
    return body.replace('"DEEP"', nested(deep))


async def answer(request: web.Request) -> web.StreamResponse:
    plural = request.path.rpartition("/")[2]
    if "watch" not in request.query:
        items = [execution(1), execution(2, deep=5000), execution(3)]
        listed = ",".join(items if plural == "serviceexecutions" else [])
        return web.Response(
            text=f'{{"items":[{listed}],"metadata":{{"resourceVersion":"9"}}}}',
            content_type="application/json",
        )
    response = web.StreamResponse()
    await response.prepare(request)
    if plural == "serviceexecutions":
        for text in (execution(4, deep=9_900), execution(5)):
            await response.write(f'{{"type":"ADDED","object":{text}}}\n'.encode())
    await asyncio.sleep(30)
    return response


async def test_the_gateway_knows_all_and_goes_on(tmp_path, monkeypatch):
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(application)
    await server.start_server()
    kubeconfig = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}],
        "users": [{"name": "me", "user": {"token": "x"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    client = await KubernetesClient.connect(user_agent="test", qps=10_000, burst=10_000)
    state = ServiceState(client)
    task = asyncio.create_task(state.run())
    try:
        async with asyncio.timeout(20):
            while state.known_execution("team-a", "sum", str(uuid.UUID(int=5))) is None:
                assert not task.done()
                await asyncio.sleep(0.01)
        known = [state.known_execution("team-a", "sum", str(uuid.UUID(int=number))) for number in range(1, 6)]
        assert None not in known
    finally:
        task.cancel()
        await client.close()
        await server.close()
