"""The gateway's process: settings, store, Kubernetes client, HTTP server."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

import structlog
import uvicorn
from typing_extensions import override

from serviceexecution.gateway.app import create_app
from serviceexecution.gateway.settings import Settings
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.process.environment import SettingsError
from serviceexecution.process.logs import configure_logging
from serviceexecution.store.errors import StoreConfigurationError
from serviceexecution.store.store import ResultStore

_LOGGER: Final = structlog.get_logger(__name__)
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_QPS: Final = 200
_BURST: Final = 400
"""Each collector costs five requests at its start; hundreds may start at once."""
_KEEP_ALIVE_SECONDS: Final = 75
_MAX_HEAD_BYTES: Final = 65536
"""A path of 4,096 bytes is three times as long when all of it is percent-encoded."""


class GatewayServer(uvicorn.Server):
    """A server that tells the app when it is asked to end, and whose process then ends by itself."""

    def __init__(self, config: uvicorn.Config, draining: asyncio.Event) -> None:
        super().__init__(config)
        self._draining = draining
        self._loop = asyncio.get_running_loop()

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._draining.set)
        super().handle_exit(sig, frame)

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal again afterwards: the process would die of it before it has closed
        # its connections
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = {number: signal.signal(number, self.handle_exit) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)


def server_config(settings: Settings, app: object, *, host: str = "") -> uvicorn.Config:
    """Return how the app is served; ``host`` "" means all addresses, IPv6 too."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # any ASGI app
        host=host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
    )


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; raises StoreConfigurationError, KubernetesError."""
    store = ResultStore.open(settings.store_url, settings.cluster_id, settings.store_options)
    client = await KubernetesClient.connect(user_agent="serviceexecution-gateway", qps=_QPS, burst=_BURST)
    try:
        draining = asyncio.Event()
        app = create_app(store, client, settings, draining)
        _LOGGER.info("gateway starts", port=settings.port, store=settings.store_url)
        await GatewayServer(server_config(settings, app), draining).serve()
        _LOGGER.info("gateway has ended")
    finally:
        await client.close()


def main() -> None:
    """Console script ``serviceexecution-gateway``; exit code 1 when it cannot start."""
    try:
        settings = Settings.from_environment(os.environ)
        configure_logging(settings.log_level, settings.log_format)
        uvicorn_loop = uvicorn.Config("", log_config=None).get_loop_factory()
        with asyncio.Runner(loop_factory=uvicorn_loop) as runner:
            runner.run(serve(settings))
    except (SettingsError, StoreConfigurationError, KubernetesError, ValueError) as error:
        sys.exit(f"The gateway cannot start: {error}")


if __name__ == "__main__":
    main()
