"""The gateway on loopback, over an API server in memory, in a thread: for clients that are programs of their own."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from serviceexecution.gateway.access.tokens import SERVICE_AUDIENCE
from serviceexecution.gateway.main import GatewayServer, server_config
from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.kinds import SECRETS
from serviceexecution.resources.access_key import KeyId
from tests.support.access_keys import stored_key
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service

T = TypeVar("T")
_SECRET: Final = "s3cret"  # noqa: S105 - of a key that opens nothing


class ServedGateway:
    """A context manager; ``service`` is what it serves, to be used by what ``run`` runs in its thread."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self._directory = directory
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.address = ""
        self.service: Service

    @property
    def base(self) -> str:
        """Return the platform API's base URL."""
        return f"{self.address}/platform/{NAMESPACE}"

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, task: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns that runs beside the gateway."""
        return asyncio.run_coroutine_threadsafe(task, self._loop).result(60)

    def access_key(self) -> tuple[str, str]:
        """Make an access key, whose account may do what ``service.cluster.allowed`` says; return its id and secret."""
        key, cluster = KeyId(NAMESPACE, "k0123456789abcdef"), self.service.cluster
        self.run(_done(lambda: cluster.seed(SECRETS, NAMESPACE, key.secret_name, **stored_key(key, _SECRET))))
        token = f"token-of-{NAMESPACE}-{key.secret_name}"
        cluster.tokens[token, SERVICE_AUDIENCE] = TokenIdentity(key.account)
        return str(key), _SECRET

    async def _start(self) -> None:
        self.service = Service(self._directory, **self._settings)
        self._watching = asyncio.create_task(self.service.state.run())
        config = server_config(self.service.settings, self.service.app, host="127.0.0.1")
        self._server = GatewayServer(config, self.service.draining)
        self._server.config.port = 0
        self._serving = asyncio.create_task(self._server._serve())
        async with asyncio.timeout(20):
            while not (self._server.started and self.service.state.ready):  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"

    async def _stop(self) -> None:
        self._watching.cancel()
        self._server.stop()
        self._server.force_exit = True
        await self._serving
        await self.service.schemas.close()


async def _done(act: Any) -> None:
    act()
