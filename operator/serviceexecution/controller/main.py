"""Starts the controller and ends it in order."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import kopf
import structlog
import uvloop
from prometheus_client import start_http_server

from serviceexecution.controller.assembly import Controller, assemble
from serviceexecution.controller.clients import Clients
from serviceexecution.controller.health import Health, serve_health
from serviceexecution.controller.known.child_watches import ChildWatches
from serviceexecution.controller.known.watches import kopf_settings, register
from serviceexecution.controller.metrics import LEADING
from serviceexecution.controller.settings import ControllerSettings
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.lease import LeaderLease, LeaseTiming
from serviceexecution.process.connections import takes_connections
from serviceexecution.process.garbage import collect_seldom
from serviceexecution.process.interpreter import switch_often
from serviceexecution.process.logs import configure_logging
from serviceexecution.process.nesting import take_deep_objects
from serviceexecution.store.store import ResultStore

OLDEST_KUBERNETES: Final = (1, 31)
"""The chart's `kubeVersion`."""

logger = structlog.stdlib.get_logger()


def main() -> None:
    """Run the controller until it is told to end; exit 1 with one sentence when it cannot start."""
    try:
        settings = ControllerSettings.from_environment(os.environ)
    except ValueError as error:
        sys.exit(f"serviceexecution-controller: {error}")
    take_deep_objects()
    switch_often()
    collect_seldom()  # A first time: the first lists parse everything
    configure_logging(settings.log_level, settings.log_format)
    start_http_server(settings.metrics_port)
    try:
        uvloop.run(run(settings))
    except asyncio.CancelledError:
        logger.info("controller has ended")
    except KubernetesError as error:
        sys.exit(f"serviceexecution-controller: {error}")


@dataclass
class _Leadership:
    """Whether this process leads. It also does where there is to be no Lease."""

    lease: LeaderLease | None = None

    def is_certain(self) -> bool:
        """Tell whether no other controller can be leading."""
        return self.lease is None or self.lease.fresh


async def run(settings: ControllerSettings) -> None:
    """Run the controller: first lead, then know everything, then work."""
    health = Health()
    probes = await serve_health(health, settings.health_port)
    leadership = _Leadership()
    clients = await Clients.connect(leadership.is_certain)
    ending = asyncio.current_task()
    if ending is not None:  # until Kopf takes the signals over: a standby would ignore them as process 1
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ending.cancel)
    try:
        async with _leading(settings, health, leadership), asyncio.TaskGroup() as tasks:
            await _work(settings, clients, health, tasks, may_write=leadership.is_certain)
    finally:
        await clients.close()
        await probes.cleanup()


def too_old(version: tuple[int, int]) -> str | None:
    """Return what is to be said of a cluster of that version (major, minor); None when it is new enough or unknown."""
    if version == (0, 0) or version >= OLDEST_KUBERNETES:
        return None
    found, oldest = (".".join(map(str, one)) for one in (version, OLDEST_KUBERNETES))
    return (
        f"this cluster has Kubernetes {found}, and the operator needs {oldest} or newer: "
        "lists of a service's executions fail here; upgrade the cluster"
    )


async def _work(
    settings: ControllerSettings,
    clients: Clients,
    health: Health,
    tasks: asyncio.TaskGroup,
    *,
    may_write: Callable[[], bool],
) -> None:
    store = ResultStore.open(
        settings.store_url, settings.cluster_id, settings.store_options, may_write=may_write
    )
    version = await clients.work.server_version()
    logger.info("controller starts", kubernetes=f"{version[0]}.{version[1]}", namespaces=settings.namespaces)
    if said := too_old(version):
        logger.warning(said)
    settings = settings.model_copy(update={"kubernetes": version})
    controller = assemble(
        settings,
        clients,
        store,
        clients.clock.now,
        health=health,
        gateway_is_there=lambda: takes_connections(settings.gateway_url),
    )
    watched = await controller.resync.start()
    collect_seldom()
    health.ready = True
    children = ChildWatches(
        clients.work, controller.cache, controller.queue.add, controller.service_queue.add
    )
    loops = [tasks.create_task(loop, name=name) for name, loop in controller.loops()]
    loops.append(tasks.create_task(children.run(watched), name="watches of Jobs and pods"))
    try:
        await _watch(watched, controller)
    finally:
        for task in loops:
            task.cancel()
        await controller.close()


async def _watch(namespaces: tuple[str, ...], controller: Controller) -> None:
    """Run Kopf until a signal ends it. It ends with an error when one of its watches dies, and so does the process."""
    registry = kopf.OperatorRegistry()
    register(
        registry,
        controller.cache,
        controller.queue,
        controller.service_queue,
        saw_deletion=controller.deletions.saw,
    )
    await kopf.operator(
        registry=registry,
        settings=kopf_settings(controller.resync.bearable_page),
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
        # Kopf's own way to a name needs the user's, which an arbitrary user id does not have.
        identity=socket.gethostname(),  # type: ignore[arg-type] # its type is a str that Kopf does not export
    )


@contextlib.asynccontextmanager
async def _leading(
    settings: ControllerSettings, health: Health, leadership: _Leadership
) -> AsyncIterator[None]:
    if not settings.lease_name:
        LEADING.set(1)
        yield
        return
    health.ready = True  # A standby is as ready as it can be
    client = await KubernetesClient.connect(user_agent="serviceexecution-controller-lease", qps=5, burst=10)
    lease = LeaderLease(
        client,
        namespace=settings.lease_namespace,
        name=settings.lease_name,
        identity=f"{socket.gethostname()}-{os.getpid()}",
        on_lost=_exit_at_once,
        timing=LeaseTiming.of(settings.lease_seconds),
    )
    leadership.lease = lease
    try:
        await lease.acquire()
        LEADING.set(1)
        yield
    finally:
        await lease.release()
        await client.close()


def _exit_at_once() -> None:
    """Another controller may be leading by now: nothing more may be written, not even in order."""
    logger.error("the Lease is lost")
    os._exit(3)


if __name__ == "__main__":
    main()
