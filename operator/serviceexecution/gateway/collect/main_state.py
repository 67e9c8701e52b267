"""The state of a pod's main container, for collectors that cannot see its processes.

Those who wait share one watch for each namespace: one for each of them would let a single pod hold thousands.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Literal

import structlog
from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject, metadata_of
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.kube.client import WatchEvent
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import PODS
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from serviceexecution.resources.pods.observed import PodView

MainState = Literal["waiting", "running", "terminated"]

MAX_WAIT_SECONDS: Final = 60.0
MAX_WAITS: Final = 20_000
"""Collectors that may wait at the same time, each takes about 10 KiB; one namespace has at most half of them."""
QUESTIONS: Final = 20
"""What one pod may ask at once, and then one question a second: each is a request of the API server."""
_WATCH_SECONDS: Final = 300
_PAUSE_SECONDS: Final = 2.0
_PODS: Final = 10_000

logger = structlog.stdlib.get_logger()


@dataclass(slots=True)
class _Wait:
    """Somebody who waits for another state than ``known`` of one pod."""

    pod_uid: str
    change: "asyncio.Future[MainState | None]"
    """Its new state, or None: go and answer what is known."""
    known: MainState | None = None
    version: int = 0
    newest: tuple[int, MainState] | None = None
    """What the watch said before the pod itself was read."""

    def read(self, version: int, state: MainState) -> None:
        """Take the pod as it was read."""
        self.known, self.version = state, version
        if self.newest is not None:
            self.see(*self.newest)

    def see(self, version: int, state: MainState) -> None:
        """Take what the watch says; it may be behind what was read."""
        if self.known is None:
            self.newest = (version, state)
        elif state != self.known and not 0 < version <= self.version and not self.change.done():
            self.change.set_result(state)


@dataclass(slots=True)
class _Watch:
    """One namespace's watch and those who wait for what it says, by the pod's name."""

    waits: dict[str, _Wait] = field(default_factory=dict)
    task: "asyncio.Task[None] | None" = None


class MainStates:
    """Answers what state main is in, at once or at its next change. State owner of all waits."""

    def __init__(
        self,
        client: GatewayKubernetes,
        draining: asyncio.Event,
        *,
        waits: int = MAX_WAITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._draining = draining
        self._most = waits
        self._clock = clock
        self._waits: Counter[str] = Counter()
        self._watches: dict[str, _Watch] = {}
        self._questions: ExpiringCache[str, float] = ExpiringCache(seconds=QUESTIONS, capacity=_PODS)
        """By pod: until when what it has asked so far would take, at one question a second."""

    async def state(
        self, identity: CollectorIdentity, wait: float, pod_just_read: JsonObject | None = None
    ) -> MainState:
        """Return main's state: at once when it has terminated, else when it changes, after ``wait`` seconds, when
        the same pod asks once more, or when the process is to end. Who does not wait is answered from
        ``pod_just_read``, the pod as the same request has read it.

        Raises KubernetesError, and Problem 429 or 503 when there are too many questions.
        """
        self._count_question(identity.pod_uid)
        deadline = self._clock() + min(wait, MAX_WAIT_SECONDS)
        if wait <= 0:
            pod = await self._pod(identity) if pod_just_read is None else _read(identity, pod_just_read)
            return state_of_main(pod, identity.pod_uid)
        with self._waiting(identity) as waiting:
            pod = await self._pod(identity)
            first = state_of_main(pod, identity.pod_uid)
            remaining = deadline - self._clock()
            if pod is None or first == "terminated" or remaining <= 0 or self._draining.is_set():
                return first
            waiting.read(_version(pod), first)
            return await self._change(waiting, remaining) or first

    async def _change(self, waiting: _Wait, seconds: float) -> MainState | None:
        """Return the new state, None when it does not change."""
        ending = asyncio.ensure_future(self._draining.wait())
        awaited: set[asyncio.Future[MainState | None] | asyncio.Future[Literal[True]]]
        awaited = {waiting.change, ending}
        try:
            await asyncio.wait(awaited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
        return waiting.change.result() if waiting.change.done() else None

    async def _pod(self, identity: CollectorIdentity) -> PodView | None:
        body = await self._client.get(PODS, identity.reference.namespace, identity.pod_name)
        return None if body is None else _read(identity, body)

    def _count_question(self, pod_uid: str) -> None:
        now = self._clock()
        until = max(self._questions.get(pod_uid) or 0.0, now) + 1
        if until > now + QUESTIONS:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "TooManyQuestions",
                "The state was asked for too often; once a second is enough.",
                headers={"Retry-After": "1"},
            )
        self._questions.put(pod_uid, until)

    @contextlib.contextmanager
    def _waiting(self, identity: CollectorIdentity) -> Iterator[_Wait]:
        """Enter somebody who waits, in the place of whoever waited for the same pod."""
        namespace, name = identity.reference.namespace, identity.pod_name
        if self._waits.total() >= self._most or self._waits[namespace] >= (self._most + 1) // 2:
            raise unavailable("TooManyWaits", "Too many collectors wait for an end; ask again later.")
        watch = self._watches.setdefault(namespace, _Watch())
        earlier = watch.waits.get(name)
        if earlier is not None and not earlier.change.done():
            earlier.change.set_result(None)
        waiting = watch.waits[name] = _Wait(identity.pod_uid, asyncio.get_running_loop().create_future())
        self._waits[namespace] += 1
        if watch.task is None:
            watch.task = asyncio.create_task(self._watch(namespace, watch))
        try:
            yield waiting
        finally:
            self._waits[namespace] -= 1
            if not self._waits[namespace]:
                del self._waits[namespace]
            if watch.waits.get(name) is waiting:
                del watch.waits[name]
            if not watch.waits and watch.task is not None:
                watch.task.cancel()
                watch.task = None
                self._watches.pop(namespace, None)

    async def _watch(self, namespace: str, watch: _Watch) -> None:
        """Tell those who wait what changes, as long as there are any."""
        while True:
            events = self._client.watch(
                PODS, namespace, label_selector=LABEL_EXECUTION_UID, timeout_seconds=_WATCH_SECONDS
            )
            try:
                async with contextlib.aclosing(events):
                    async for event in events:
                        _tell(watch, event)
            except KubernetesError as error:  # Those who wait ask again
                logger.warning("cannot watch pods", namespace=namespace, error=str(error))
            await asyncio.sleep(_PAUSE_SECONDS)


def _read(identity: CollectorIdentity, body: JsonObject) -> PodView:
    try:
        return PodView.model_validate(body)
    except ValidationError as error:
        raise KubernetesError(f"the pod {identity.pod_name} cannot be read") from error


def _tell(watch: _Watch, event: WatchEvent) -> None:
    waiting = watch.waits.get(str(metadata_of(event.object).get("name")))
    if waiting is None:
        return
    if event.type == "DELETED":
        waiting.see(0, "terminated")
    elif event.type in {"ADDED", "MODIFIED"}:
        with contextlib.suppress(ValidationError):  # One odd pod ends no namespace's watch
            pod = PodView.model_validate(event.object)
            waiting.see(_version(pod), state_of_main(pod, waiting.pod_uid))


def _version(pod: PodView) -> int:
    text = pod.metadata.resource_version
    return int(text) if text.isascii() and text.isdecimal() else 0


def state_of_main(pod: PodView | None, pod_uid: str) -> MainState:
    """Return main's state; a pod that is gone, or another one of its name, means terminated."""
    if pod is None or pod.metadata.uid != pod_uid or pod.ended or pod.main.terminated is not None:
        return "terminated"
    return "waiting" if pod.main.running is None else "running"
