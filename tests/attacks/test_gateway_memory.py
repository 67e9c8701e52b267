"""H1, H2: what executions and inputs of one tenant make the gateway hold in memory, for all of its tenants.

Each fails on 9b98b50: the first sweep took 565 MiB for 200 inputs, an execution 428 KiB with a large outputSchema, the
first list all bodies at once.
"""

import asyncio
import gc
import json
import os
import sys
import tracemalloc
import uuid
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from serviceexecution.gateway.state.service_state import ServiceState
from tests.unit.gateway.service_api.service_cluster import ServiceCluster

METADATA_ONLY = "as=PartialObjectMetadataList"
MIB = 2**20


def execution(number: int, **status: object) -> dict[str, Any]:
    uid = str(uuid.UUID(int=number + 1))
    return {
        "metadata": {
            "name": uid,
            "namespace": "team-a",
            "uid": str(uuid.UUID(int=number + 10**9)),
            "resourceVersion": str(number + 10),
            "creationTimestamp": "2026-11-27T00:00:00Z",
        },
        "spec": {"serviceRef": {"name": "sum"}, "inputFrom": {"configMapRef": {"name": uid}}},
        "status": {
            "phase": "Succeeded",
            "reason": "Succeeded",
            "message": "The program ended with exit code 0.",
            "attempts": 1,
            "startTime": "2026-11-27T00:00:00Z",
            "completionTime": "2026-11-27T00:00:10Z",
            **status,
        },
    }


SCHEMA = {"properties": {f"p{i}": {"type": "string", "title": "a title"} for i in range(1100)}}
FILES = [{"name": f"f{i}", "size": 1, "sha256": "0" * 64, "mediaType": "text/plain"} for i in range(50)]


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"service": {"name": "sum", "uid": "u", "generation": 1, "fields": {}, "outputSchema": SCHEMA}},
        {"result": {"output": "y" * 8000, "fileCount": 50, "files": FILES}},
        {"message": "y" * 30_000},
    ],
    ids=["small", "outputSchema of 60 KiB", "result of 8 KiB and 50 files", "long message"],
)
def test_an_execution_costs_two_kibibytes_whatever_it_holds(status):
    state = ServiceState(ServiceCluster())
    texts = [json.dumps(execution(number, **status)) for number in range(300)]
    state.note(json.loads(texts[0]))
    gc.collect()
    tracemalloc.start()
    try:
        for text in texts:
            state.note(json.loads(text))
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert state.known_execution("team-a", "sum", str(uuid.UUID(int=300))) is not None
    assert kept / len(texts) < 2048


def input_of(number: int) -> dict[str, Any]:
    """Return the ConfigMap of a run that ended long ago."""
    return {
        "metadata": {
            "name": f"x{number}",
            "namespace": "team-a",
            "uid": f"u{number}",
            "labels": {"serviceexecution.dev/submission": f"x{number}"},
            "creationTimestamp": "2026-11-27T00:00:00Z",
            "ownerReferences": [{"uid": "e"}],
        },
        "data": {"data": "x" * 990_000},
    }


def large_execution(number: int) -> dict[str, Any]:
    body = execution(number)
    body["spec"]["inputJson"] = json.dumps({"a": "x" * 260_000})
    return body


async def answer(request: web.Request) -> web.StreamResponse:
    """Answer as an API server that has many large objects: lists in pages, streamed; watches that say nothing."""
    if request.method != "GET":
        return web.json_response({})
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    if "watch" in request.query:
        await asyncio.sleep(60)
        return response
    plural = request.path.rpartition("/")[2]
    make, count = {"configmaps": (input_of, 200), "serviceexecutions": (large_execution, 300)}.get(
        plural, (execution, 0)
    )
    limit, start = int(request.query.get("limit", "0")) or count, int(request.query.get("continue", "0"))
    end = min(start + limit, count)
    more = {"continue": str(end)} if end < count else {}
    await response.write(f'{{"metadata":{json.dumps({"resourceVersion": "9", **more})},"items":['.encode())
    for number in range(start, end):
        item = make(number)
        if METADATA_ONLY in request.headers.get("Accept", ""):
            item = {"metadata": item["metadata"]}
        try:
            await response.write((("," if number > start else "") + json.dumps(item)).encode())
        except ConnectionError:  # the page was too large for the client
            return response
    await response.write(b"]}")
    return response


CHILD = """
import asyncio, sys
from datetime import UTC, datetime
from serviceexecution.gateway.service_api.submission.sweep import SubmissionSweeper
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.client import KubernetesClient

def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith(name))

async def main():
    client = await KubernetesClient.connect(user_agent="test", qps=10_000, burst=10_000)
    before = status("VmRSS")
    if sys.argv[1] == "sweep":
        await SubmissionSweeper(client).once(datetime.now(UTC))
    else:
        state = ServiceState(client)
        task = asyncio.create_task(state.run())
        while not state.ready:
            await asyncio.sleep(0.02)
        task.cancel()
    print(max(0, status("VmHWM") - before))
    await client.close()

asyncio.run(main())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
@pytest.mark.parametrize("what", ["sweep", "start"])
async def test_inputs_of_a_hundred_megabytes_are_never_held_together(what, tmp_path):
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(application)
    await server.start_server()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
                "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}],
                "users": [{"name": "me", "user": {"token": "x"}}],
            }
        )
    )
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    environment.pop("KUBERNETES_SERVICE_HOST", None)
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, what, env=environment, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(120):
            printed, _ = await child.communicate()
    finally:
        await server.close()
    assert child.returncode == 0
    assert int(printed) < 60, "MiB above what the process had before"
