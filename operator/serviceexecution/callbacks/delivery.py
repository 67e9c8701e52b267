"""Delivers callbacks until they are accepted or given up; what has been done stands in the execution's status.

So a controller that was killed goes on after its restart. The same event may arrive twice, with the same id.
"""

import asyncio
import base64
import binascii
import contextlib
import random
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import structlog
from prometheus_client import Counter as Count
from prometheus_client import Gauge

from serviceexecution.callbacks.allow_list import RefusedUrlError, Target, allowed_target
from serviceexecution.callbacks.event import body_of, finished_event, signed_headers
from serviceexecution.callbacks.sender import Answer, Sender
from serviceexecution.contract.json_types import JsonObject, object_at
from serviceexecution.fairness.turns import FairTurns
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.events import EventPoster, ObjectIdentity
from serviceexecution.kube.kinds import SECRETS, SERVICE_EXECUTIONS
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_settings import Callback
from serviceexecution.resources.executions.execution_status import CallbackState, CallbackStatus
from serviceexecution.resources.names import API_GROUP, API_VERSION, CALLBACK_SECRET, KIND
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()

MOST_TRIES: Final = 12
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 3600.0
_MOST_JITTER: Final = 1.25
_AT_ONCE: Final = 8
_AT_ONCE_OF_NAMESPACE: Final = 2
_AT_ONCE_PER_HOST: Final = 4
"""A receiver that several namespaces have; one of them has a half."""
MOST_OF_NAMESPACE: Final = 2000
MOST: Final = 10_000
"""Callbacks that are under way, each some kilobytes. Others stay in their executions' status, and are taken when they
are looked at again; beyond the number of all, a namespace has one at a time."""
_REMEMBERED: Final = 10_000
_DEFAULT_KEY: Final = "default"

DELIVERIES: Final = Count(
    "serviceexecution_callback_tries_total", "Tries to deliver a callback, by outcome", ["outcome"]
)
WAITING: Final = Gauge("serviceexecution_callbacks_waiting", "Callbacks that are not delivered yet")

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What is needed of an execution until its callback is delivered: not its input, which may be a megabyte."""

    reference: ExecutionReference
    callback: Callback
    body: bytes

    @classmethod
    def of(cls, execution: ServiceExecution, callback: Callback) -> Self:
        return cls(execution.reference, callback, body_of(finished_event(execution)))


@dataclass(slots=True)
class _Host:
    turns: FairTurns
    users: int = 0


class Deliverer:
    """State owner of the callbacks that are under way; one task each, so that a slow receiver holds up no other.

    Tries are made in turns by namespace, of which one has a part at a time: slow receivers hold up their own.
    """

    def __init__(
        self,
        client: KubernetesClient,
        store: ResultStore,
        events: EventPoster,
        *,
        allowed_urls: Sequence[str],
        sender: Sender | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._store = store
        self._events = events
        self._allowed = tuple(allowed_urls)
        self._sender = sender or Sender()
        self._sleep = sleep
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._under_way: Counter[str] = Counter()
        self._turns = FairTurns(_AT_ONCE, per_key=_AT_ONCE_OF_NAMESPACE, waiting_per_key=MOST_OF_NAMESPACE)
        self._hosts: dict[str, _Host] = {}
        """Those that are being sent to."""
        self._ended: OrderedDict[str, None] = OrderedDict()
        """Uids whose end was written, although a watch may not have told of it yet."""

    def enqueue(self, execution: ServiceExecution) -> None:
        """Take an execution whose callback is pending; one that is under way is not touched. Never waits or raises."""
        uid, namespace = execution.metadata.uid, execution.metadata.namespace
        if uid in self._tasks or uid in self._ended or execution.spec.callback is None:
            return
        own = self._under_way[namespace]
        if own >= MOST_OF_NAMESPACE or (own > 0 and len(self._tasks) >= MOST):
            return
        delivery = _Delivery.of(execution, execution.spec.callback)
        status = execution.status.callback or CallbackStatus(state=CallbackState.PENDING)
        task = asyncio.create_task(self._deliver(delivery, status), name=f"callback {uid}")
        self._tasks[uid] = task
        self._under_way[namespace] += 1
        WAITING.set(len(self._tasks))
        task.add_done_callback(lambda done: self._done(delivery.reference, done))

    async def close(self) -> None:
        """Stop; what is pending is taken up by the next controller."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, reference: ExecutionReference, task: asyncio.Task[None]) -> None:
        uid = reference.uid
        self._tasks.pop(uid, None)
        self._under_way[reference.namespace] -= 1
        if not self._under_way[reference.namespace]:
            del self._under_way[reference.namespace]
        WAITING.set(len(self._tasks))
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("callback stopped; it is taken up again later", uid=uid, exc_info=error)

    async def _deliver(self, delivery: _Delivery, status: CallbackStatus) -> None:
        while status.state is CallbackState.PENDING:
            if status.next_attempt_time is not None:
                left = (status.next_attempt_time - datetime.now(UTC)).total_seconds()
                # A clock that was ahead when this was written must not hold the callback up by as much
                await self._sleep(min(max(0.0, left), LONGEST_PAUSE * _MOST_JITTER))
            answer = await self._try(delivery)
            status = next_status(status, answer, datetime.now(UTC))
            outcome = "accepted" if not answer.problem else "refused" if answer.final else "failed"
            DELIVERIES.labels(outcome).inc()
            if status.state is CallbackState.FAILED:
                await self._bury(delivery, status)
            if not await self._record(delivery.reference, status):
                return
        self._ended[delivery.reference.uid] = None
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)

    async def _try(self, delivery: _Delivery) -> Answer:
        namespace, callback = delivery.reference.namespace, delivery.callback
        try:
            target = allowed_target(callback.url, namespace, self._allowed)
        except RefusedUrlError as error:
            return Answer(str(error), final=True)
        try:
            key = await self._key(namespace, callback.signing_key or _DEFAULT_KEY)
        except KubernetesError as error:
            return Answer(f"The signing key could not be read: {error}")
        if key is None:
            name = callback.signing_key or _DEFAULT_KEY
            return Answer(
                f'Nothing is sent unsigned: make a Secret "{CALLBACK_SECRET}" with the key "{name}" in the namespace.'
            )
        async with self._host_turn(target, namespace), self._turns.turn(namespace):
            headers = signed_headers(key, delivery.reference.uid, delivery.body, datetime.now(UTC))
            return await self._sender.send(target, delivery.body, headers, payer=namespace)

    @contextlib.asynccontextmanager
    async def _host_turn(self, target: Target, namespace: str) -> AsyncGenerator[None, None]:
        host = self._hosts.get(target.host)
        if host is None:
            turns = FairTurns(
                _AT_ONCE_PER_HOST, per_key=_AT_ONCE_PER_HOST // 2, waiting_per_key=MOST_OF_NAMESPACE
            )
            host = self._hosts[target.host] = _Host(turns)
        host.users += 1
        try:
            async with host.turns.turn(namespace):
                yield
        finally:
            host.users -= 1
            if not host.users:
                del self._hosts[target.host]

    async def _key(self, namespace: str, name: str) -> bytes | None:
        secret = await self._client.get(SECRETS, namespace, CALLBACK_SECRET)
        value = object_at(secret or {}, "data").get(name)
        try:
            key = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
        except binascii.Error:
            key = b""
        return key.strip() or None

    async def _record(self, reference: ExecutionReference, status: CallbackStatus) -> bool:
        """Write how far it has come, repeated until it is written; False when the execution is gone."""
        recorded: JsonObject = status.model_dump(mode="json", by_alias=True)
        # The uid: another execution may have the name by now
        patch: JsonObject = {"metadata": {"uid": reference.uid}, "status": {"callback": recorded}}
        pause = 1.0
        while True:
            try:
                written = await self._client.patch(
                    SERVICE_EXECUTIONS, reference.namespace, reference.name, patch, subresource="status"
                )
            except KubernetesError as error:
                if not error.retriable:
                    return False
                await self._sleep(pause)
                pause = min(pause * 2, 60.0)
                continue
            return written is not None

    async def _bury(self, delivery: _Delivery, status: CallbackStatus) -> None:
        """Keep what could not be delivered beside the execution's results, and say so."""
        reference = delivery.reference
        logger.warning("callback given up", namespace=reference.namespace, execution=reference.name)
        try:
            await self._store.notes.write_dead_letter(reference, delivery.body)
        except StoreError as error:
            logger.warning("the undelivered callback could not be kept", error=str(error))
        about = ObjectIdentity(
            f"{API_GROUP}/{API_VERSION}", KIND, reference.namespace, reference.name, reference.uid
        )
        await self._events.post(
            about, type_="Warning", reason="CallbackFailed", message=status.message or "The callback failed."
        )


def next_status(status: CallbackStatus, answer: Answer, now: datetime) -> CallbackStatus:
    """Return what the status is after a try that was answered so."""
    attempts = status.attempts + 1
    if not answer.problem:
        return CallbackStatus(state=CallbackState.DELIVERED, attempts=attempts, last_attempt_time=now)
    if answer.final or attempts >= MOST_TRIES:
        return CallbackStatus(
            state=CallbackState.FAILED, attempts=attempts, last_attempt_time=now, message=answer.problem
        )
    pause = min(FIRST_PAUSE * 2.0 ** (attempts - 1), LONGEST_PAUSE)
    pause = max(pause * random.uniform(0.75, _MOST_JITTER), min(answer.retry_after or 0.0, LONGEST_PAUSE))  # noqa: S311
    return CallbackStatus(
        state=CallbackState.PENDING,
        attempts=attempts,
        last_attempt_time=now,
        next_attempt_time=now + timedelta(seconds=pause),
        message=answer.problem,
    )
