"""The real gateway on a loopback port, and the real collector as a process."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from serviceexecution.gateway.app import create_app
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.main import GatewayServer, server_config
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.store.store import ResultStore
from tests.unit.gateway.collect.collector_cluster import REF, CollectorCluster

COLLECTOR = Path(__file__).parents[3] / "operator" / "serviceexecution" / "collector" / "main.py"


class LiveGateway:
    """A server in a thread with its own event loop, over a directory store."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        kubernetes: CollectorCluster | None = None,
        tls: Path | None = None,
    ) -> None:
        self.kubernetes = kubernetes or CollectorCluster()
        self.store = ResultStore.open(f"file://{directory}/store", "cluster")
        self._settings = GatewaySettings(store_url="", cluster_id="", port=port)
        self._ready = threading.Event()
        self._active = 0
        self._tls = tls
        self._server: uvicorn.Server | None = None
        self.port = port
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    async def _serve(self) -> None:
        draining = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._draining = draining
        self.restart_app()

        async def app(scope, receive, send):
            self._active += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._active -= 1

        config = server_config(self._settings, app, host="127.0.0.1")
        if self._tls is not None:
            config.ssl_certfile, config.ssl_keyfile = self._tls / "tls.crt", self._tls / "tls.key"
        server = GatewayServer(config, draining)
        self._server = server
        serving = asyncio.create_task(server._serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        self.port = server.servers[0].sockets[0].getsockname()[1]
        self._ready.set()
        await serving

    def active(self) -> int:
        """Return how many requests are being answered."""
        return self._active

    def restart_app(self) -> None:
        """Forget all that a gateway process keeps in memory."""
        kubernetes: GatewayKubernetes = self.kubernetes
        self._app = create_app(self.store, kubernetes, self._settings, self._draining)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def call(self, coroutine):
        """Run a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def stop(self, *, abruptly: bool = False) -> None:
        if self._server is not None:
            self._server.force_exit = abruptly
            self._server.should_exit = True
            self._thread.join(10)


class Pod:
    """A collector's surroundings: output directory, token file, termination message."""

    def __init__(self, directory: Path, url: str, **environment: str) -> None:
        self.output = directory / "output"
        self.output.mkdir(exist_ok=True)
        self.token = directory / "token"
        self.token.write_text("collector-token\n")
        self.message = directory / "termination-log"
        self.environment = {
            "SX_GATEWAY_URL": url,
            "SX_TOKEN_FILE": str(self.token),
            "SX_OUTPUT_DIRECTORY": str(self.output),
            "SX_TERMINATION_LOG": str(self.message),
            "SX_SHARED_PROCESSES": "false",
            "SX_COLLECT_TIMEOUT": "20",
            "SX_CANCEL_GRACE": "5",
        } | environment

    def start(self, *, prefix: tuple[str, ...] = (), **more) -> subprocess.Popen[bytes]:
        """Start the collector as the image does."""
        command = [*prefix, sys.executable, "-I", "-S", str(COLLECTOR)]
        return subprocess.Popen(
            command, env=self.environment, stderr=subprocess.PIPE, start_new_session=True, **more
        )

    def run(self, **more) -> tuple[int, list[dict[str, Any]]]:
        """Run the collector to its end; returns its exit code and its log."""
        return finish(self.start(**more))


def finish(process) -> tuple[int, list[dict[str, Any]]]:
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        kill(process)
    lines = errors.decode().splitlines()
    assert all(line.startswith("{") for line in lines), errors.decode()
    return process.returncode, [json.loads(line) for line in lines]


def kill(process) -> None:
    """Kill a collector and its children, if they still run."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def tree_of(directory: Path) -> dict[str, bytes]:
    """Return all regular files below a directory by path."""
    found = {}
    for parent, _, names in os.walk(directory):
        for name in names:
            path = Path(parent) / name
            if path.is_file() and not path.is_symlink():
                found[str(path.relative_to(directory))] = path.read_bytes()
    return found


async def contents(store, manifest) -> dict[str, bytes]:
    """Return what the store holds for a manifest."""
    found = {}
    for file in manifest.files:
        stream = await store.outputs.of(REF, manifest.attempt).open(file.path)
        found[file.path] = b"".join([chunk async for chunk in stream.chunks])
    return found


def stored(gateway):
    manifest = gateway.call(gateway.store.outputs.read_manifest(REF))
    return None if manifest is None else gateway.call(contents(gateway.store, manifest))


def eventually(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def uploaded(gateway):
    return gateway.call(gateway.store.outputs.of(REF, 1).list())
