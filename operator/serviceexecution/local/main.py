"""The process behind ``sx serve``: the gateway's own app on loopback, over objects in memory and a folder as store."""

import asyncio
import contextlib
import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import structlog
from starlette.middleware.trustedhost import TrustedHostMiddleware

from serviceexecution.contract.json_types import JsonObject, object_of, text_of
from serviceexecution.gateway.app import create_app
from serviceexecution.gateway.main import GatewayServer, serve_while, server_config
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS
from serviceexecution.local.objects import LocalObjects
from serviceexecution.local.project import LocalProject
from serviceexecution.local.runner import Runner, Settings
from serviceexecution.local.web_pages import HOSTS, OwnPages
from serviceexecution.process.logs import configure_logging
from serviceexecution.process.nesting import take_deep_objects
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND
from serviceexecution.schemas.checker import SchemaChecker
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()
_LOOK_SECONDS: Final = 0.5
_KEPT_FIELDS: Final = ("displayName", "description", "inputSchema", "outputSchema", "concurrency")
ANEW: Final = 75
"""Exit code that asks for a new start: what describes the service has changed."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What ``sx serve`` asks for, as JSON in the first argument."""

    folder: Path
    settings: tuple[Path, ...]
    """The files that describe the service, whether they are there or not."""
    python: Path
    entry_point: str
    namespace: str
    name: str
    spec: JsonObject
    pools: dict[str, Path]
    secrets: dict[str, str]
    port: int
    at_once: int

    @classmethod
    def read(cls, text: str, environment: Mapping[str, str]) -> Self:
        """Return the wish; secrets are in the environment, where no list of processes shows them."""
        told = object_of(json.loads(text))
        port, at_once, settings = (told.get(name) for name in ("port", "atOnce", "settings"))
        return cls(
            folder=Path(text_of(told.get("folder"))),
            settings=tuple(Path(text_of(one)) for one in settings) if isinstance(settings, list) else (),
            python=Path(text_of(told.get("python"))),
            entry_point=text_of(told.get("entryPoint")),
            namespace=text_of(told.get("namespace")),
            name=text_of(told.get("name")),
            spec=object_of(told.get("spec")),
            pools={name: Path(text_of(path)) for name, path in object_of(told.get("pools")).items()},
            secrets={name: value for name, value in environment.items() if name.startswith("SECRET_")},
            port=port if isinstance(port, int) else 0,
            at_once=at_once if isinstance(at_once, int) else 1,
        )


class LocalService:
    """Owner of everything that serves one project."""

    def __init__(self, wish: Wish, room: Path) -> None:
        self._wish = wish
        self.changed = False
        """Whether another service is described now."""
        self._project = LocalProject(wish.folder, wish.python, wish.entry_point, room)
        self._objects = LocalObjects()
        self._schemas = SchemaChecker()
        self._store = ResultStore.open(f"file://{room / 'store'}", "local")
        self._state = ServiceState(self._objects, (wish.namespace,))

    async def serve(self) -> None:
        """Serve until a signal, or until another service is described."""
        wish = self._wish
        await asyncio.to_thread(self._project.prepare)
        await self._define(first=True)
        draining = asyncio.Event()
        settings = GatewaySettings(
            store_url="",
            cluster_id="local",
            auth_mode="none",
            port=wish.port,
            namespaces=(wish.namespace,),
            shutdown_seconds=1,
        )
        app = create_app(
            self._store, self._objects, settings, draining, state=self._state, schemas=self._schemas
        )
        # A web page that gives its own name this address may not call what asks nobody who he is
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False)
        app.add_middleware(OwnPages)
        server = GatewayServer(server_config(settings, app, host=HOSTS[0]), draining)
        held = Settings(wish.namespace, wish.name, wish.spec, wish.pools, wish.secrets, wish.at_once)
        runner = Runner(self._objects, self._store, self._schemas, self._project, held)
        background = [
            asyncio.create_task(self._state.run(), name="state"),
            asyncio.create_task(runner.run(), name="runner"),
            asyncio.create_task(self._reload(server), name="reload"),
            asyncio.create_task(self._announce(server), name="announce"),
        ]
        threading.Thread(
            target=_end_with_parent, args=(server, asyncio.get_running_loop()), daemon=True
        ).start()
        try:
            await serve_while(server, background[:2])
        finally:
            for task in background[2:]:
                task.cancel()
            await self._schemas.close()

    async def _announce(self, server: GatewayServer) -> None:
        while not (server.started and self._state.ready):  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://{HOSTS[0]}:{port}/services/{self._wish.namespace}/{self._wish.name}"
        print(url, flush=True)  # noqa: T201 - the answer of sx serve

    async def _define(self, *, first: bool) -> None:
        """Make the service, or give it the schemas that the project's signature has now."""
        report = await self._project.check()
        message = report.get("message")
        if report.get("ok") is not True:
            logger.warning("the project cannot run as it is", why=message)
            if not first:
                return
        wish = self._wish
        spec: JsonObject = {name: wish.spec[name] for name in _KEPT_FIELDS if name in wish.spec}
        for name in ("inputSchema", "outputSchema"):
            if name not in spec and isinstance(report.get(name), dict):
                spec[name] = report[name]
        spec["runtime"] = {"docker": {"image": "local"}}
        manifest: JsonObject = {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": DEFINITION_KIND,
            "metadata": {"name": wish.name},
            "spec": spec,
        }
        if first:
            await self._objects.create(SERVICE_DEFINITIONS, wish.namespace, manifest)
        else:
            patch: JsonObject = {"spec": {**dict.fromkeys(("inputSchema", "outputSchema")), **spec}}
            await self._objects.patch(SERVICE_DEFINITIONS, wish.namespace, wish.name, patch)
            logger.info("the project has changed; the next execution runs it")

    async def _reload(self, server: GatewayServer) -> None:
        described, before = await asyncio.to_thread(self._looked)
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            described_now, now = await asyncio.to_thread(self._looked)
            if described_now != described:
                self.changed = True
                server.stop()
                return
            if now != before:
                before = now
                await self._define(first=False)

    def _looked(self) -> tuple[list[bytes], str]:
        """Return what describes the service, and what changes with the project's files."""
        settings = [path.read_bytes() if path.is_file() else b"" for path in self._wish.settings]
        return settings, self._project.fingerprint()


def _end_with_parent(server: GatewayServer, loop: asyncio.AbstractEventLoop) -> None:
    """End when whoever holds our standard input open has gone, however that was."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    with contextlib.suppress(RuntimeError):  # It has ended already
        loop.call_soon_threadsafe(server.stop)


def _log_plainly() -> None:
    """Say what becomes of executions, on standard error: the URL has standard output for itself."""
    configure_logging("INFO", "plain")
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)
    for name in ("serviceexecution.gateway.access", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)


def main() -> None:
    """Serve what the first argument says."""
    wish = Wish.read(sys.argv[1], os.environ)
    take_deep_objects()
    _log_plainly()
    with tempfile.TemporaryDirectory(prefix="sx-serve-") as room:
        service = LocalService(wish, Path(room))
        asyncio.run(service.serve())
    sys.exit(ANEW if service.changed else 0)


if __name__ == "__main__":
    main()
