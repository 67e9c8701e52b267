"""Starts the controller and ends it in order."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import kopf
import structlog
import uvloop
from prometheus_client import start_http_server

from serviceexecution.callbacks.delivery import Deliverer
from serviceexecution.controller.clients import Clients
from serviceexecution.controller.executions.admission import Admission
from serviceexecution.controller.executions.ending import Ending
from serviceexecution.controller.executions.observe import Observer
from serviceexecution.controller.executions.planning import Planner
from serviceexecution.controller.executions.reconcile import Reconciler
from serviceexecution.controller.executions.transitions import ExecutionTeller
from serviceexecution.controller.gauges import measure
from serviceexecution.controller.health import Health, serve_health
from serviceexecution.controller.keys import ExecutionKey, ServiceKey
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.known.resync import Resync
from serviceexecution.controller.known.watches import kopf_settings, register
from serviceexecution.controller.queue import WorkQueue
from serviceexecution.controller.services.observe import BuildObserver
from serviceexecution.controller.services.pod_security import NamespaceLevels
from serviceexecution.controller.services.reconcile import ServiceReconciler
from serviceexecution.controller.services.slots import BuildSlots
from serviceexecution.controller.services.transitions import BuildTeller
from serviceexecution.controller.settings import ControllerSettings
from serviceexecution.controller.sweep import Sweeper, sweep_rules
from serviceexecution.controller.worker import Key, work
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.events import EventPoster
from serviceexecution.kube.lease import LeaderLease
from serviceexecution.logs.manager import LogFollowers
from serviceexecution.process.garbage import collect_seldom
from serviceexecution.process.interpreter import switch_often
from serviceexecution.process.logs import configure_logging
from serviceexecution.process.nesting import take_deep_objects
from serviceexecution.resources.reference import ExecutionReference, definition_of
from serviceexecution.schemas.checker import SchemaChecker
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()

SERVICE_WORKERS: Final = 4


@dataclass(frozen=True, slots=True)
class State:
    """What lives as long as the process."""

    queue: WorkQueue[ExecutionKey]
    service_queue: WorkQueue[ServiceKey]
    cache: ObjectCache
    health: Health


def main() -> None:
    """Run the controller until it is told to end; exit 1 with one sentence when it cannot start."""
    try:
        settings = ControllerSettings.from_environment(os.environ)
    except ValueError as error:
        sys.exit(f"serviceexecution-controller: {error}")
    take_deep_objects()
    switch_often()
    collect_seldom()  # a first time: the first lists parse everything
    configure_logging(settings.log_level, settings.log_format)
    start_http_server(settings.metrics_port)
    try:
        uvloop.run(run(settings))
    except asyncio.CancelledError:
        logger.info("controller has ended")
    except KubernetesError as error:
        sys.exit(f"serviceexecution-controller: {error}")


async def run(settings: ControllerSettings) -> None:
    """Run the controller: first lead, then know everything, then work."""
    queue: WorkQueue[ExecutionKey] = _queue(settings.workers)
    service_queue: WorkQueue[ServiceKey] = _queue(SERVICE_WORKERS)

    def longest_pass() -> float:
        return max(queue.longest_pass_seconds(), service_queue.longest_pass_seconds())

    cache = ObjectCache(namespaces=settings.namespaces)
    state = State(queue, service_queue, cache, Health(longest_pass=longest_pass))
    health = state.health
    probes = await serve_health(health, settings.health_port)
    clients = await Clients.connect()
    ending = asyncio.current_task()
    if ending is not None:  # until Kopf takes the signals over: a standby would ignore them as process 1
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ending.cancel)
    try:
        async with _leadership(settings, health), asyncio.TaskGroup() as tasks:
            await _work(settings, clients, state, tasks)
    finally:
        await clients.close()
        await probes.cleanup()


async def _work(
    settings: ControllerSettings, clients: Clients, state: State, tasks: asyncio.TaskGroup
) -> None:
    client = clients.work
    queue, service_queue, cache = state.queue, state.service_queue, state.cache
    store = ResultStore.open(settings.store_url, settings.cluster_id, settings.store_options)
    version = await client.server_version()
    defaults = settings.pod.for_cluster(version)
    logger.info("controller starts", kubernetes=f"{version[0]}.{version[1]}", namespaces=settings.namespaces)
    background: set[asyncio.Task[bool]] = set()

    def keep(task: asyncio.Task[bool]) -> None:
        background.add(task)
        task.add_done_callback(background.discard)

    def log_complete(reference: ExecutionReference) -> None:
        service = definition_of(reference)
        if service is not None:
            service_queue.add(ServiceKey(*service))
        else:
            queue.add(ExecutionKey(reference.namespace, reference.name))

    followers = LogFollowers(clients.logs, store, limit_bytes=settings.log_limit, on_complete=log_complete)
    checker = SchemaChecker(says_values=False)
    admission = Admission(cache)

    def wake(service: ServiceKey, changed: bool) -> None:
        for key in admission.keys_after_change(service) if changed else admission.next_keys(service):
            queue.look_again(key)

    cache.on_change = wake
    events = EventPoster(
        clients.events, component="serviceexecution-controller", instance=socket.gethostname()
    )
    deliverer = Deliverer(client, store, events, allowed_urls=settings.callback_urls)
    reconciler = Reconciler(
        client=client,
        cache=cache,
        observer=Observer(
            client,
            store,
            cache,
            settings.start_limits,
            planner=Planner(client, cache, checker, admission, pull_secret=_pull_secret(settings)),
            checker=checker,
        ),
        ending=Ending(client, store),
        deliver=deliverer.enqueue,
        followers=followers,
        teller=ExecutionTeller(events, keep),
        defaults=defaults,
    )
    resync = Resync(
        client,
        cache,
        state.health,
        queue.look_again,
        service_queue.look_again,
        namespaces=settings.namespaces,
    )
    watched = await resync.start()
    collect_seldom()
    state.health.ready = True
    helpers = [
        tasks.create_task(work(queue, reconciler), name=f"worker {number}")
        for number in range(settings.workers)
    ]
    slots = BuildSlots(cache, settings.builds.concurrency if settings.builds is not None else 0)
    service_reconciler = ServiceReconciler(
        client=client,
        cache=cache,
        checker=checker,
        observer=BuildObserver(
            client,
            store,
            cache,
            slots,
            NamespaceLevels(client),
            checker,
            settings.builds,
            settings.start_limits,
        ),
        slots=slots,
        followers=followers,
        teller=BuildTeller(events, keep),
        gateway_url=settings.pod.gateway_url,
        add=service_queue.add,
    )
    helpers += [
        tasks.create_task(work(service_queue, service_reconciler), name=f"service worker {number}")
        for number in range(SERVICE_WORKERS)
    ]
    helpers.append(tasks.create_task(resync.run(settings.resync_seconds), name="resync"))
    helpers.append(tasks.create_task(measure(queue, cache), name="gauges"))
    sweeper = Sweeper(
        client,
        store,
        namespaces=settings.namespaces,
        rules=sweep_rules(
            retention=timedelta(seconds=settings.retention_seconds), allow_bulk=settings.sweep_bulk
        ),
    )
    helpers.append(tasks.create_task(sweeper.run(), name="sweep"))
    try:
        await _watch(watched, cache, queue, service_queue)
    finally:
        for task in helpers:
            task.cancel()
        await deliverer.close()
        await followers.close()
        await checker.close()
        if background:
            await asyncio.wait(background, timeout=5)


async def _watch(
    namespaces: tuple[str, ...],
    cache: ObjectCache,
    queue: WorkQueue[ExecutionKey],
    service_queue: WorkQueue[ServiceKey],
) -> None:
    """Run Kopf until a signal ends it. It ends with an error when a watch dies, and so does the process."""
    registry = kopf.OperatorRegistry()
    register(registry, cache, queue, service_queue)
    await kopf.operator(
        registry=registry,
        settings=kopf_settings(),
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
        # Kopf's own way to a name needs the user's, which an arbitrary user id does not have.
        identity=socket.gethostname(),  # type: ignore[arg-type] # its type is a str that Kopf does not export
    )


@contextlib.asynccontextmanager
async def _leadership(settings: ControllerSettings, health: Health) -> AsyncIterator[None]:
    if not settings.lease_name:
        yield
        return
    health.ready = True  # a standby is as ready as it can be
    client = await KubernetesClient.connect(user_agent="serviceexecution-controller-lease", qps=5, burst=10)
    lease = LeaderLease(
        client,
        namespace=settings.lease_namespace,
        name=settings.lease_name,
        identity=f"{socket.gethostname()}-{os.getpid()}",
        on_lost=_exit_at_once,
    )
    try:
        await lease.acquire()
        yield
    finally:
        await lease.release()
        await client.close()


def _queue(workers: int) -> WorkQueue[Key]:
    """Return a queue in which namespaces take turns; one of them has at most three quarters of the workers."""
    return WorkQueue(owner_of=lambda key: key.namespace, most_per_owner=max(1, workers * 3 // 4))


def _pull_secret(settings: ControllerSettings) -> str:
    return settings.builds.registry.credentials_secret if settings.builds is not None else ""


def _exit_at_once() -> None:
    """Another controller may be leading by now: nothing more may be written, not even in order."""
    logger.error("the Lease is lost")
    os._exit(3)


if __name__ == "__main__":
    main()
