"""The gateway's process: settings, store, Kubernetes client, HTTP server."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from types import FrameType
from typing import Final

import structlog
import uvicorn
from prometheus_client import start_http_server
from typing_extensions import override

from serviceexecution.gateway.app import create_app
from serviceexecution.gateway.http.connection.connections import Connections
from serviceexecution.gateway.http.connection.protocol import BoundedHttpProtocol
from serviceexecution.gateway.service_api.submission.input_retention import InputSweeper
from serviceexecution.gateway.service_api.submission.sweep import SubmissionSweeper
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import HistoryError, KubernetesError
from serviceexecution.process.connections import takes_connections
from serviceexecution.process.garbage import collect_seldom
from serviceexecution.process.interpreter import switch_often
from serviceexecution.process.logs import configure_logging
from serviceexecution.process.nesting import take_deep_objects
from serviceexecution.process.settings import SettingsError
from serviceexecution.schemas.checker import SchemaChecker
from serviceexecution.store.errors import StoreConfigurationError
from serviceexecution.store.store import ResultStore
from serviceexecution.tracing.exporter import TraceExporter

logger = structlog.stdlib.get_logger()
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_QPS: Final = 200
_BURST: Final = 400
"""Each collector costs five requests at its start; hundreds may start at once."""
OPEN_TO_ALL: Final = (
    "authentication is off (auth.mode none): everybody who reaches this gateway may run services and read results; "
    "use this only to try it out on your own machine"
)
_KEEP_ALIVE_SECONDS: Final = 75
_ACCEPTED_AT_ONCE: Final = 8
"""Connections taken in one round of the event loop, which takes one of each listening handle. One alone is what a
single client opens that sends and leaves; two thousand of them would stand before each other client's."""


class GatewayServer(uvicorn.Server):
    """A server that tells the app when it is asked to end, and whose process then ends by itself."""

    def __init__(self, config: uvicorn.Config, draining: asyncio.Event, *, pods_port: int = 0) -> None:
        """``pods_port`` is a second port; 0: there is none."""
        super().__init__(config)
        self._draining = draining
        self._pods_port = pods_port
        self._loop = asyncio.get_running_loop()

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._draining.set)
        super().handle_exit(sig, frame)

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, at each socket by several handles."""
        await super().startup(sockets)
        if self.started and self._pods_port:
            self.servers.append(
                await self._loop.create_server(
                    self._protocol,
                    host=self.config.host,
                    port=self._pods_port,
                    ssl=self.config.ssl,
                    backlog=self.config.backlog,
                )
            )
        for server in tuple(self.servers) if self.started else ():
            for listening in server.sockets:
                for _ in range(_ACCEPTED_AT_ONCE - 1):
                    again = socket.socket(fileno=os.dup(listening.fileno()))
                    self.servers.append(
                        await self._loop.create_server(
                            self._protocol, sock=again, ssl=self.config.ssl, backlog=self.config.backlog
                        )
                    )

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg] # as uvicorn calls it
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def stop(self) -> None:
        """End in order, as on a signal."""
        self._draining.set()
        self.should_exit = True

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Uvicorn's own raises the signal again afterwards: the process would die of it before it has closed
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


def server_config(settings: GatewaySettings, app: object, *, host: str = "") -> uvicorn.Config:
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
        http=partial(BoundedHttpProtocol, opened=Connections()),  # type: ignore[arg-type] # called as a class is
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


async def serve_while(server: GatewayServer, background: Sequence[asyncio.Task[None]]) -> None:
    """Serve as long as all of ``background`` run, which have no end; raises what one of them has died of.

    A gateway whose watch is dead would tell those who poll the same for ever.
    """
    for task in background:
        task.add_done_callback(lambda _: server.stop())
    try:
        await server.serve()
    finally:
        for task in background:
            task.cancel()
        await asyncio.wait(background)
    for task in background:
        if not task.cancelled():
            task.result()


async def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT; raises StoreConfigurationError, KubernetesError, HistoryError."""
    store = ResultStore.open(settings.store_url, settings.cluster_id, settings.store_options)
    client = await KubernetesClient.connect(user_agent="serviceexecution-gateway", qps=_QPS, burst=_BURST)
    try:
        draining = asyncio.Event()
        state = ServiceState(client, settings.namespaces)
        schemas = SchemaChecker()
        url = settings.gateway_url
        traces = TraceExporter.of(settings, "serviceexecution-gateway")
        app = create_app(
            store,
            client,
            settings,
            draining,
            state=state,
            schemas=schemas,
            another_is_ready=(lambda: takes_connections(url)) if url else None,
            offer_spans=None if traces is None else traces.offer,
        )
        server = GatewayServer(server_config(settings, app), draining, pods_port=settings.pods_port)
        collect_seldom()
        logger.info("gateway starts", port=settings.port, store=settings.store_url)
        if settings.auth_mode == "none":
            logger.warning(OPEN_TO_ALL)
        background = [
            asyncio.create_task(state.run(), name="state"),
            asyncio.create_task(SubmissionSweeper(client, settings.namespaces).run(), name="submissions"),
            asyncio.create_task(
                InputSweeper(
                    client, lambda of, name: state.known_execution(of, None, name), settings.namespaces
                ).run(),
                name="inputs",
            ),
        ]
        if traces is not None:
            background.append(asyncio.create_task(traces.run(), name="traces"))
        try:
            await serve_while(server, background)
        finally:
            await schemas.close()
        logger.info("gateway has ended")
    finally:
        await client.close()


def main() -> None:
    """Console script ``serviceexecution-gateway``; exit code 1 when it cannot start, or not go on."""
    try:
        settings = GatewaySettings.from_environment(os.environ)
        take_deep_objects()
        switch_often()
        configure_logging(settings.log_level, settings.log_format)
        start_http_server(settings.metrics_port)
        uvicorn_loop = uvicorn.Config("", log_config=None).get_loop_factory()
        with asyncio.Runner(loop_factory=uvicorn_loop) as runner:
            runner.run(serve(settings))
    except (SettingsError, StoreConfigurationError, KubernetesError, ValueError) as error:
        sys.exit(f"The gateway cannot start: {error}")
    except HistoryError as error:
        sys.exit(f"The gateway ends and is to be started again, since it knows what is no more: {error}")


if __name__ == "__main__":
    main()
