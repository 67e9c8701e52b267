"""As much of an API server as a gateway lists and watches: ``python -m benchmarks.listing.api_server NUMBER``.

It has the executions of ``executions.py``, which never change, and lets everybody do everything. It prints its port.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from benchmarks.listing.executions import NAMESPACE, SERVICES, execution, service
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS

_BOOKMARK_SECONDS: Final = 5


def _listed(number: int, item: Callable[[int], JsonObject]) -> Callable[[web.Request], object]:
    version = str(number + 1)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.query.get("watch"):
            return await _watched(request, version)
        start = int(request.query.get("continue") or "0")
        end = min(number, start + int(request.query.get("limit") or number))
        metadata: JsonObject = {"resourceVersion": version}
        if end < number:
            metadata["continue"] = str(end)
        return _json({"metadata": metadata, "items": [item(one) for one in range(start, end)]})

    return answer


async def _watched(request: web.Request, version: str) -> web.StreamResponse:
    stream = web.StreamResponse(headers={"Content-Type": "application/json"})
    await stream.prepare(request)
    mark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}
    end = time.monotonic() + int(request.query.get("timeoutSeconds") or 300)
    with contextlib.suppress(ConnectionError):  # The gateway has ended
        while time.monotonic() < end:
            await stream.write(json.dumps(mark).encode() + b"\n")
            await asyncio.sleep(_BOOKMARK_SECONDS)
    return stream


async def _whose(_: web.Request) -> web.Response:
    return _json({"status": {"authenticated": True, "user": {"username": "alice", "groups": []}}})


async def _may(_: web.Request) -> web.Response:
    return _json({"status": {"allowed": True}})


async def _none(_: web.Request) -> web.Response:
    return web.Response(status=404, text=json.dumps({"kind": "Status", "code": 404, "reason": "NotFound"}))


def _json(body: JsonObject) -> web.Response:
    return web.Response(text=json.dumps(body), content_type="application/json")


async def serve(number: int) -> None:
    """Serve so many executions until the process is ended."""
    app = web.Application()
    for kind, many, item in (
        (SERVICE_EXECUTIONS, number, execution),
        (SERVICE_DEFINITIONS, SERVICES, service),
    ):
        for path in (kind.path(None), kind.path(NAMESPACE)):
            app.router.add_get(path, _listed(many, item))  # type: ignore[arg-type] # a handler
    app.router.add_post("/apis/authentication.k8s.io/v1/tokenreviews", _whose)
    app.router.add_post("/apis/authorization.k8s.io/v1/subjectaccessreviews", _may)
    app.router.add_get("/{rest:.*}", _none)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
