"""One life of the controller's process: the whole of it but Kopf's HTTP and the workers' waiting."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, cast

import kopf

from serviceexecution.callbacks.delivery import Deliverer
from serviceexecution.callbacks.sender import Answer
from serviceexecution.contract.json_types import JsonObject, object_at, text_at
from serviceexecution.controller.assembly import Controller, assemble
from serviceexecution.controller.clients import Clients
from serviceexecution.controller.known.cache import Watched
from serviceexecution.controller.known.child_watches import ChildWatches
from serviceexecution.controller.known.watches import register
from serviceexecution.controller.settings import ControllerSettings
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.kube.client import KubernetesClient, WatchEvent
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.events import EventPoster
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.logs.manager import LogFollowers
from serviceexecution.logs.timing import FollowerTiming
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from serviceexecution.resources.reference import ExecutionReference, definition_of
from serviceexecution.schemas.checker import SchemaChecker
from serviceexecution.schemas.errors import CheckerUnavailableError
from serviceexecution.store.errors import StoreError
from serviceexecution.store.store import ResultStore
from tests.faults.news import News
from tests.faults.processes import Killed, Process, ProcessClient
from tests.support.api_server.changes import Change, Watch
from tests.support.api_server.server import ApiServer
from tests.unit.builds.builders import settings as build_settings
from tests.unit.executions.builders import at

_TIMING: Final = FollowerTiming(
    flush=3600, burst_silence=5, ended_silence=1, poll=0.01, first_backoff=0.001, last_backoff=0.01
)
_PATIENCE: Final = 10.0
_MOST_PASSES: Final = 60
ROUNDS_BEHIND: Final = 3
"""For which a watch that begins in the past tells nothing."""
PASSING: Final = (KubernetesError, StoreError, CheckerUnavailableError)
"""What a pass may fail with: the worker repeats it. Anything else is a fault of ours."""


class FakeReceiver:
    """Whom callbacks are sent to."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    async def send(self, _target: object, body: bytes, _headers: object, *, payer: str) -> Answer:
        assert payer
        self.received.append(body)
        return Answer()


class ControllerLife:
    """From a start to a kill."""

    def __init__(
        self,
        process: Process,
        client: ProcessClient,
        store: ResultStore,
        now: Callable[[], float],
        *,
        receiver: FakeReceiver,
        news: News,
        checker: SchemaChecker,
        gateway_is_there: Callable[[], bool],
        store_is_there: Callable[[], bool],
        failures: list[Exception],
    ) -> None:
        """``failures`` takes what passes have failed with."""
        self.process = process
        self._failures = failures
        self._store_is_there = store_is_there
        self.faults: list[str] = []
        self._now = now
        self._news = news
        self._client = client
        settings = ControllerSettings(
            collector_image="collector:1",
            gateway_url="http://gateway",
            store_url="memory:///",
            store_options={},
            cluster_id="test",
            callback_urls=("https://receiver.example/",),
            builds=build_settings(),
        )
        api = cast("Any", client)
        clients = Clients(work=api, logs=api, events=api)
        self.followers = LogFollowers(
            api, store, limit_bytes=2**20, on_complete=self._log_complete, timing=_TIMING
        )
        events = EventPoster(api, component="serviceexecution-controller", instance="test")

        async def no_sleep(_: float) -> None:
            await asyncio.sleep(0)

        self.deliverer = Deliverer(
            api,
            store,
            events,
            allowed_urls=settings.callback_urls,
            sender=cast("Any", receiver),
            sleep=no_sleep,
        )

        async def there() -> bool:
            return gateway_is_there()

        self.assembled: Controller = assemble(
            settings,
            clients,
            store,
            self._clock,
            followers=self.followers,
            deliver=self.deliverer.enqueue,
            gateway_is_there=there,
            checker=checker,
        )
        registry = kopf.OperatorRegistry()
        register(registry, self.assembled.cache, self.assembled.queue, self.assembled.service_queue)
        handlers: Any = registry._watching.get_all_handlers()
        by_name = {handler.fn.__name__: handler.fn for handler in handlers}
        self._handlers = [by_name["executions"], by_name["services"], *self._handlers_of_children(api)]
        kinds = (SERVICE_EXECUTIONS, SERVICE_DEFINITIONS, JOBS, PODS)
        labels = (None, None, LABEL_EXECUTION_UID, LABEL_EXECUTION_UID)
        self._watches = [
            Watch(kind.plural, None, label, None) for kind, label in zip(kinds, labels, strict=True)
        ]
        self._due: dict[ExecutionKey | ServiceKey, float] = {}
        self._resynced = 0.0

    def _handlers_of_children(
        self, api: KubernetesClient
    ) -> Iterator[Callable[[JsonObject], Awaitable[None]]]:
        """Give what takes an event of a Job, and of a pod."""
        queue, service_queue = self.assembled.queue, self.assembled.service_queue
        children = ChildWatches(api, self.assembled.cache, queue.add, service_queue.add)
        for watched in (Watched.JOBS, Watched.PODS):

            async def take(event: JsonObject, watched: Watched = watched) -> None:
                children.take(watched, WatchEvent(text_at(event, "type"), object_at(event, "object")))

            yield take

    def _clock(self) -> datetime:
        return at(self._now())

    async def start(self, past: ApiServer | None = None, since: Sequence[Change] = ()) -> None:
        """List everything, and watch from there on: from the ``past`` on, when that is given."""
        self._news.subscribe(self._watches)
        for watch in self._watches:
            events = [event for change in since if (event := watch.event(change)) is not None]
            self._news.delay(watch, events, ROUNDS_BEHIND)
        self._client.past = past
        try:
            await self.assembled.resync.start()
        except PASSING:
            self.process.alive = False  # It ends, and is started again
        self._client.past = None
        self._resynced = self._now()

    async def step(self) -> None:
        """Take the news, and work until there is nothing more to do at this time."""
        if self._now() - self._resynced >= self.assembled.settings.resync_seconds:
            self._resynced = self._now()
            with contextlib.suppress(*PASSING):
                await self.assembled.resync.once()
        for _ in range(_MOST_PASSES):
            await self._take_news()
            self._wake_due()
            if not await self._work():
                break
        else:
            self.faults.append("the passes are repeated for ever")
        await self._settle()

    async def end(self) -> None:
        """Take the process away, with all that it was about to do."""
        self.process.alive = False
        self._news.unsubscribe(self._watches)
        with contextlib.suppress(Killed, TimeoutError):
            await self.deliverer.close()
        for followed in list(self.followers._followed.values()):
            followed.task.cancel()
        await asyncio.gather(
            *(followed.task for followed in self.followers._followed.values()), return_exceptions=True
        )
        while self.assembled.background.running:
            await asyncio.gather(*self.assembled.background.running, return_exceptions=True)

    async def _take_news(self) -> None:
        for watch, handler in zip(self._watches, self._handlers, strict=True):
            for event in self._news.of(watch):
                await handler({"type": event.type, "object": event.object})

    def _wake_due(self) -> None:
        now = self._now()
        for key in [key for key, due in self._due.items() if due <= now]:
            del self._due[key]
            if isinstance(key, ServiceKey):
                self.assembled.service_queue.look_again(key)
            else:
                self.assembled.queue.look_again(key)

    async def _work(self) -> bool:
        worked = False
        assembled = self.assembled
        while len(assembled.queue):
            worked = True
            key = await assembled.queue.get()
            wake = await self._pass(assembled.reconciler.reconcile(key))
            assembled.queue.done(key, succeeded=True)
            self._plan(key, wake)
        while len(assembled.service_queue):
            worked = True
            service = await assembled.service_queue.get()
            wake = await self._pass(assembled.service_reconciler.reconcile(service))
            assembled.service_queue.done(service, succeeded=True)
            self._plan(service, wake)
        return worked

    def _plan(self, key: ExecutionKey | ServiceKey, wake: float | None) -> None:
        if wake is not None:
            self._due[key] = min(self._due.get(key, float("inf")), self._now() + max(wake, 0.2))

    async def _pass(self, passing: Any) -> float | None:
        wake: float | None = 0.2
        try:
            wake = await passing
        except PASSING as error:
            self._failures.append(error)
        finally:
            await asyncio.gather(*self.assembled.background.running, return_exceptions=True)
        self.process.check()
        return wake

    async def _settle(self) -> None:
        """Wait for logs of programs that have ended, and for callbacks: they take no time of the test's clock."""
        async with asyncio.timeout(_PATIENCE):
            while self.process.alive and self._is_busy():  # noqa: ASYNC110 - tasks of the product tell nobody
                await asyncio.sleep(0.0005)
        self.process.check()

    def _is_busy(self) -> bool:
        if not self._store_is_there():
            return False
        followed = self.followers._followed.values()
        return bool(self.deliverer._tasks) or any(one.follower._ended.is_set() for one in followed)

    def _log_complete(self, reference: ExecutionReference) -> None:
        service = definition_of(reference)
        if service is not None:
            self.assembled.service_queue.add(ServiceKey(*service))
        else:
            self.assembled.queue.add(ExecutionKey(reference.namespace, reference.name))
