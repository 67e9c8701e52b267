"""Puts a controller together from settings, connections, a store and a clock."""

import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from serviceexecution.callbacks.delivery import Deliverer
from serviceexecution.controller.background import BackgroundTasks
from serviceexecution.controller.clients import Clients
from serviceexecution.controller.clock import Clock, utc_now
from serviceexecution.controller.data_pools.keeper import PoolKeeper
from serviceexecution.controller.deletions import SeenDeletions
from serviceexecution.controller.executions.admission import Admission
from serviceexecution.controller.executions.ending import Ending
from serviceexecution.controller.executions.gateway_watch import GatewayWatch
from serviceexecution.controller.executions.observe import ExecutionObserver
from serviceexecution.controller.executions.outages import Outages
from serviceexecution.controller.executions.planning import Planner
from serviceexecution.controller.executions.reconcile import ExecutionReconciler
from serviceexecution.controller.executions.transitions import ExecutionTransitionReporter
from serviceexecution.controller.gauges import measure
from serviceexecution.controller.health import Health
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.known.resync import Resync
from serviceexecution.controller.services.observe import ServiceObserver
from serviceexecution.controller.services.pod_security import NamespaceLevels
from serviceexecution.controller.services.reconcile import ServiceReconciler
from serviceexecution.controller.services.slots import BuildSlots
from serviceexecution.controller.services.transitions import BuildTransitionReporter
from serviceexecution.controller.settings import ControllerSettings
from serviceexecution.controller.store_outages import StoreOutages
from serviceexecution.controller.store_reads import StoreReads
from serviceexecution.controller.sweep import ALWAYS_ALLOWED, Sweeper, sweep_rules
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.controller.work.queue import WorkQueue
from serviceexecution.controller.work.worker import namespace_queue, work
from serviceexecution.kube.events import EventPoster
from serviceexecution.logs.manager import LogFollowers
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.reference import ExecutionReference, definition_of
from serviceexecution.schemas.checker import SchemaChecker
from serviceexecution.store.store import ResultStore
from serviceexecution.tracing.exporter import TraceExporter

SERVICE_WORKERS: Final = 4


@dataclass(frozen=True, slots=True)
class Controller:
    """All that works together in one controller."""

    settings: ControllerSettings
    cache: ObjectCache
    queue: WorkQueue[ExecutionKey]
    service_queue: WorkQueue[ServiceKey]
    admission: Admission
    observer: ExecutionObserver
    reconciler: ExecutionReconciler
    service_reconciler: ServiceReconciler
    resync: Resync
    sweeper: Sweeper
    pools: PoolKeeper
    store_outages: StoreOutages
    deletions: SeenDeletions
    checker: SchemaChecker
    followers: LogFollowers
    deliverer: Deliverer
    background: BackgroundTasks
    traces: TraceExporter | None

    def loops(self) -> Iterator[tuple[str, Coroutine[None, None, None]]]:
        """Give what runs as long as the controller works, each with a name. ``resync.start`` comes before."""
        for number in range(self.settings.workers):
            yield f"worker {number}", work(self.queue, self.reconciler)
        for number in range(SERVICE_WORKERS):
            yield f"service worker {number}", work(self.service_queue, self.service_reconciler)
        yield "resync", self.resync.run(self.settings.resync_seconds)
        yield "gauges", measure(self.queue, self.cache)
        yield "sweep", self.sweeper.run()
        yield "data pools", self.pools.run()
        yield "deletions", self.deletions.run()
        yield "store outages", self.store_outages.run()
        if self.traces is not None:
            yield "traces", self.traces.run()

    async def close(self) -> None:
        """Let go of everything, in order; what is pending is taken up by the next controller."""
        await self.deliverer.close()
        await self.followers.close()
        await self.checker.close()
        await self.background.finish()


@dataclass(frozen=True, slots=True)
class _Shared:
    """What both reconcilers are made of."""

    settings: ControllerSettings
    clients: Clients
    store: ResultStore
    clock: Clock
    cache: ObjectCache
    checker: SchemaChecker
    followers: LogFollowers
    events: EventPoster
    background: BackgroundTasks
    reads: StoreReads
    traces: TraceExporter | None


def assemble(
    settings: ControllerSettings,
    clients: Clients,
    store: ResultStore,
    clock: Clock = utc_now,
    *,
    health: Health | None = None,
    followers: LogFollowers | None = None,
    deliver: Callable[[ServiceExecution], None] | None = None,
    gateway_is_there: Callable[[], Awaitable[bool]] | None = None,
    checker: SchemaChecker | None = None,
) -> Controller:
    """Return a controller that does nothing yet. ``followers``, ``deliver`` and ``checker`` are for tests.

    ``gateway_is_there`` asks whether a gateway can take output; without it that counts as unknown.
    """
    queue: WorkQueue[ExecutionKey] = namespace_queue(settings.workers)
    service_queue: WorkQueue[ServiceKey] = namespace_queue(SERVICE_WORKERS)
    health = health or Health()
    health.store_away_since = store.answers.away_since
    health.longest_pass = lambda: max(queue.longest_pass_seconds(), service_queue.longest_pass_seconds())
    shared = _Shared(
        settings,
        clients,
        store,
        clock,
        cache=ObjectCache(namespaces=settings.namespaces),
        checker=checker or SchemaChecker(says_values=False),
        followers=followers or _followers(settings, clients, store, queue, service_queue),
        events=EventPoster(
            clients.events, component="serviceexecution-controller", instance=socket.gethostname()
        ),
        background=BackgroundTasks(),
        reads=StoreReads(),
        traces=TraceExporter.of(settings, "serviceexecution-controller"),
    )
    deliverer = Deliverer(clients.work, store, shared.events, allowed_urls=settings.callback_urls)
    admission = _admission(shared.cache, queue)
    observer = _observer(shared, admission, gateway_is_there)
    return Controller(
        settings=settings,
        cache=shared.cache,
        queue=queue,
        service_queue=service_queue,
        admission=admission,
        observer=observer,
        reconciler=_execution_reconciler(shared, observer, admission, deliver or deliverer.enqueue),
        service_reconciler=_service_reconciler(shared, service_queue),
        resync=_resync(shared, health, queue, service_queue),
        sweeper=_sweeper(shared),
        pools=PoolKeeper.of(clients.work, store.pools, shared.reads, settings, clock),
        store_outages=StoreOutages(
            store, shared.events, lease_namespace=settings.lease_namespace, lease_name=settings.lease_name
        ),
        deletions=_deletions(shared),
        checker=shared.checker,
        followers=shared.followers,
        deliverer=deliverer,
        background=shared.background,
        traces=shared.traces,
    )


def _followers(
    settings: ControllerSettings,
    clients: Clients,
    store: ResultStore,
    queue: WorkQueue[ExecutionKey],
    service_queue: WorkQueue[ServiceKey],
) -> LogFollowers:
    def log_complete(reference: ExecutionReference) -> None:
        service = definition_of(reference)
        if service is not None:
            service_queue.add(ServiceKey(*service))
        else:
            queue.add(ExecutionKey(reference.namespace, reference.name))

    return LogFollowers(clients.logs, store, limit_bytes=settings.log_limit, on_complete=log_complete)


def _admission(cache: ObjectCache, queue: WorkQueue[ExecutionKey]) -> Admission:
    admission = Admission(cache)

    def wake(service: ServiceKey, changed: bool) -> None:
        for key in admission.keys_after_change(service) if changed else admission.next_keys(service):
            queue.look_again(key)

    cache.on_change = wake
    return admission


def _observer(
    shared: _Shared, admission: Admission, gateway_is_there: Callable[[], Awaitable[bool]] | None
) -> ExecutionObserver:
    outages, client, settings = Outages(shared.clock), shared.clients.work, shared.settings
    return ExecutionObserver(
        client,
        shared.store,
        shared.cache,
        settings.start_limits,
        planner=Planner(client, shared.cache, shared.checker, admission, settings, now=shared.clock),
        checker=shared.checker,
        clock=shared.clock,
        reads=shared.reads,
        followers=shared.followers,
        outages=outages,
        gateway=GatewayWatch(outages, shared.clock, gateway_is_there),
    )


def _execution_reconciler(
    shared: _Shared,
    observer: ExecutionObserver,
    admission: Admission,
    deliver: Callable[[ServiceExecution], None],
) -> ExecutionReconciler:
    client = shared.clients.work
    return ExecutionReconciler(
        client=client,
        cache=shared.cache,
        observer=observer,
        admission=admission,
        ending=Ending(client, shared.store, shared.clock, shared.reads),
        deliver=deliver,
        followers=shared.followers,
        reporter=ExecutionTransitionReporter(shared.events, shared.background.keep, shared.traces),
        defaults=shared.settings.pod,
        clock=shared.clock,
    )


def _service_reconciler(shared: _Shared, service_queue: WorkQueue[ServiceKey]) -> ServiceReconciler:
    settings, client = shared.settings, shared.clients.work
    slots = BuildSlots(shared.cache, settings.builds.concurrency if settings.builds is not None else 0)
    observer = ServiceObserver(
        client,
        shared.store,
        shared.reads,
        shared.cache,
        slots,
        NamespaceLevels(client),
        shared.checker,
        settings.builds,
        settings.start_limits,
        shared.clock,
    )
    return ServiceReconciler(
        client=client,
        cache=shared.cache,
        checker=shared.checker,
        observer=observer,
        slots=slots,
        followers=shared.followers,
        reporter=BuildTransitionReporter(shared.events, shared.background.keep),
        gateway_url=settings.gateway_url,
        add=service_queue.add,
        clock=shared.clock,
    )


def _resync(
    shared: _Shared, health: Health, queue: WorkQueue[ExecutionKey], service_queue: WorkQueue[ServiceKey]
) -> Resync:
    return Resync(
        shared.clients.work,
        shared.cache,
        health,
        queue.look_again,
        service_queue.look_again,
        namespaces=shared.settings.namespaces,
    )


def _sweeper(shared: _Shared) -> Sweeper:
    settings = shared.settings
    rules = sweep_rules(retention=timedelta(seconds=settings.retention), allow_bulk=settings.sweep_bulk)
    return Sweeper(
        shared.clients.work, shared.store, namespaces=settings.namespaces, rules=rules, clock=shared.clock
    )


def _deletions(shared: _Shared) -> SeenDeletions:
    return SeenDeletions(
        shared.store,
        clock=shared.clock,
        nothing_left=lambda: not shared.cache.executions,
        always_allowed=ALWAYS_ALLOWED,
    )
