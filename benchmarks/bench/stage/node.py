"""A stand-in for nodes: says of each pod what a kubelet says of a program that runs for a moment, and serves its log.

Where a pod has a collector, its output is committed through the real gateway with the token that the collector would
have. It is no kwok, which knows neither logs nor commits, and an execution ends by both.
"""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, cast

import aiohttp
from aiohttp import web

from benchmarks.bench.stage.control_plane import ADDRESS, ControlPlane, free_port
from cluster.settings import NODE_NAME
from serviceexecution.collector.commit_body import commit_body
from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import PODS, ResourceKind
from serviceexecution.resources.names import COLLECTOR_CONTAINER, COLLECTOR_TOKEN_AUDIENCE, MAIN_CONTAINER

_NODES: Final = ResourceKind("", "v1", "nodes")
_TOKENS: Final = ResourceKind("", "v1", "serviceaccounts/default/token")
"""Posted to as if it were a collection."""
_AT_ONCE: Final = 64
_WATCH_SECONDS: Final = 3_000
_ROOM: Final[JsonObject] = {"cpu": "100k", "memory": "1Pi", "pods": "100000", "ephemeral-storage": "1Pi"}
COMMIT: Final = b"".join(commit_body((), (), limit_exceeded=False))


@dataclass(slots=True)
class _Pod:
    started: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Node:
    """One node with room for everything."""

    client: KubernetesClient
    http: aiohttp.ClientSession
    gateway_url: str
    seconds: float
    """How long programs run."""
    pods: dict[tuple[str, str], _Pod] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    """How many pods of each namespace have ended."""
    failures: list[str] = field(default_factory=list)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def watch(self) -> None:
        """Play kubelet until cancelled."""
        version = (await self.client.list(PODS, None)).resource_version
        options = {"field_selector": f"spec.nodeName={NODE_NAME}"}
        async for event in self.client.watch(
            PODS, None, timeout_seconds=_WATCH_SECONDS, resource_version=version, **options
        ):
            if event.type == "BOOKMARK":
                continue
            metadata = metadata_of(event.object)
            key = str(metadata["namespace"]), str(metadata["name"])
            if event.type == "DELETED":
                self.pods.pop(key, None)
            elif metadata.get("deletionTimestamp"):
                self._spawn(self._remove(key))
            elif key not in self.pods:
                self.pods[key] = _Pod(_now())
                self._spawn(self._play(key, event.object))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures.append(repr(error))

    async def _play(self, key: tuple[str, str], body: JsonObject) -> None:
        pod = self.pods[key]
        containers = cast("list[JsonObject]", object_at(body, "spec")["containers"])
        collects = any(one["name"] == COLLECTOR_CONTAINER for one in containers)
        await self._say(key, "Running", collects, main={"running": {"startedAt": pod.started}})
        if collects:
            token = await self._token(key, body)
            await self._ask("GET", "/collect/v1/main?wait=0", token)
        await asyncio.sleep(self.seconds)
        pod.ended.set()
        over: JsonObject = {
            "exitCode": 0,
            "reason": "Completed",
            "startedAt": pod.started,
            "finishedAt": _now(),
        }
        if collects:
            await self._say(key, "Running", collects, main={"terminated": over})
            await self._ask("POST", "/collect/v1/commit", token, COMMIT)
        await self._say(key, "Succeeded", collects, main={"terminated": over}, collector={"terminated": over})
        self.seen[key[0]] += 1

    async def _remove(self, key: tuple[str, str]) -> None:
        async with self._turns:
            await self.client.delete(PODS, *key, grace_period_seconds=0)

    async def _say(
        self,
        key: tuple[str, str],
        phase: str,
        collects: bool,
        *,
        main: JsonObject,
        collector: JsonObject | None = None,
    ) -> None:
        states = {MAIN_CONTAINER: main}
        if collects:
            states[COLLECTOR_CONTAINER] = collector or {"running": {"startedAt": self.pods[key].started}}
        ready = "True" if phase == "Running" else "False"
        status: JsonObject = {
            "phase": phase,
            "startTime": self.pods[key].started,
            "containerStatuses": [_container(name, state) for name, state in states.items()],
            "conditions": [{"type": "Ready", "status": ready}, {"type": "PodScheduled", "status": "True"}],
        }
        async with self._turns:
            await self.client.patch(PODS, *key, {"status": status}, subresource="status")

    async def _token(self, key: tuple[str, str], body: JsonObject) -> str:
        bound: JsonObject = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": key[1],
            "uid": metadata_of(body)["uid"],
        }
        wanted: JsonObject = {
            "audiences": [COLLECTOR_TOKEN_AUDIENCE],
            "boundObjectRef": bound,
            "expirationSeconds": 3600,
        }
        async with self._turns:
            answer = await self.client.create(_TOKENS, key[0], {"spec": wanted})
        return str(object_at(answer, "status")["token"])

    async def _ask(self, method: str, path: str, token: str, body: bytes | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        for _ in range(60):
            async with (
                self._turns,
                self.http.request(method, f"{self.gateway_url}{path}", headers=headers, data=body) as answer,
            ):
                text = await answer.text()
                if answer.status == 200:
                    return
            await asyncio.sleep(0.5)
        raise RuntimeError(f"the gateway answers {answer.status} to {method} {path}: {text}")

    async def log(self, request: web.Request) -> web.StreamResponse:
        """Serve a container's log, as a kubelet does: one line, and the end when the program has ended."""
        pod = self.pods.get((request.match_info["namespace"], request.match_info["pod"]))
        if pod is None:
            raise web.HTTPNotFound
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(f"{pod.started[:-1]}.000000001Z done\n".encode())
        if request.query.get("follow") == "true":
            await pod.ended.wait()
        return answer


@contextlib.asynccontextmanager
async def node(plane: ControlPlane, gateway_url: str, *, seconds: float) -> AsyncIterator[Node]:
    """Register the node and play it until the block ends."""
    client = await plane.client()
    port = free_port()
    app = web.Application()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        standing = Node(client, http, gateway_url, seconds)
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", standing.log)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        pair = plane.directory / "pki" / "kubelet-server"
        context.load_cert_chain(pair.with_suffix(".crt"), pair.with_suffix(".key"))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, ADDRESS, port, ssl_context=context).start()
        await _register(client, port)
        watching = asyncio.create_task(standing.watch())
        try:
            yield standing
        finally:
            watching.cancel()


async def _register(client: KubernetesClient, port: int) -> None:
    if await client.get(_NODES, None, NODE_NAME) is None:
        await client.create(_NODES, None, {"metadata": {"name": NODE_NAME}})
    status: JsonObject = {
        "capacity": _ROOM,
        "allocatable": _ROOM,
        "conditions": [{"type": "Ready", "status": "True", "reason": "StandIn"}],
        "addresses": [{"type": "InternalIP", "address": ADDRESS}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    await client.patch(_NODES, None, NODE_NAME, {"status": status}, subresource="status")
    await client.patch(_NODES, None, NODE_NAME, {"spec": {"taints": None}})


def _container(name: str, state: JsonObject) -> JsonObject:
    runs = "running" in state
    return {
        "name": name,
        "image": "none",
        "imageID": "",
        "ready": runs,
        "started": runs,
        "restartCount": 0,
        "state": state,
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
