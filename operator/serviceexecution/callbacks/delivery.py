"""Delivers callbacks until they are accepted or given up; what has been done stands in the execution's status.

So a controller that was killed goes on after its restart. The same event may arrive twice, with the same id.
"""

import asyncio
import base64
import binascii
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from prometheus_client import Counter, Gauge

from serviceexecution.callbacks.allow_list import RefusedUrlError, Target, allowed_target
from serviceexecution.callbacks.event import body_of, finished_event, signed_headers
from serviceexecution.callbacks.sender import Answer, Sender
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.events import EventPoster, ObjectIdentity
from serviceexecution.kube.kinds import SECRETS, SERVICE_EXECUTIONS
from serviceexecution.resources.execution import ServiceExecution
from serviceexecution.resources.execution_settings import Callback
from serviceexecution.resources.execution_status import CallbackState, CallbackStatus
from serviceexecution.resources.names import API_GROUP, API_VERSION, CALLBACK_SECRET, KIND
from serviceexecution.store.errors import StoreError
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()

MOST_TRIES: Final = 12
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 3600.0
_AT_ONCE: Final = 8
_AT_ONCE_PER_HOST: Final = 2
_DEFAULT_KEY: Final = "default"

DELIVERIES: Final = Counter(
    "serviceexecution_callback_tries_total", "Tries to deliver a callback, by outcome", ["outcome"]
)
WAITING: Final = Gauge("serviceexecution_callbacks_waiting", "Callbacks that are not delivered yet")

Sleep = Callable[[float], Awaitable[None]]


class Deliverer:
    """State owner of the callbacks that are under way; one task each, so that a slow receiver holds up no other."""

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
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._hosts: dict[str, asyncio.Semaphore] = {}

    def enqueue(self, execution: ServiceExecution) -> None:
        """Take an execution whose callback is pending; one that is under way is left alone. Never waits or raises."""
        uid = execution.metadata.uid
        if uid in self._tasks or execution.spec.callback is None:
            return
        task = asyncio.create_task(self._deliver(execution, execution.spec.callback), name=f"callback {uid}")
        self._tasks[uid] = task
        WAITING.set(len(self._tasks))
        task.add_done_callback(lambda done: self._done(uid, done))

    async def close(self) -> None:
        """Stop; what is pending is taken up by the next controller."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, uid: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(uid, None)
        WAITING.set(len(self._tasks))
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("callback stopped; it is taken up again later", uid=uid, exc_info=error)

    async def _deliver(self, execution: ServiceExecution, callback: Callback) -> None:
        body = body_of(finished_event(execution))
        status = execution.status.callback or CallbackStatus(state=CallbackState.PENDING)
        while status.state is CallbackState.PENDING:
            if status.next_attempt_time is not None:
                await self._sleep(max(0.0, (status.next_attempt_time - datetime.now(UTC)).total_seconds()))
            answer = await self._try(execution, callback, body)
            status = next_status(status, answer, datetime.now(UTC))
            outcome = "accepted" if not answer.problem else "refused" if answer.final else "failed"
            DELIVERIES.labels(outcome).inc()
            if status.state is CallbackState.FAILED:
                await self._bury(execution, body, status)
            if not await self._record(execution, status):
                return

    async def _try(self, execution: ServiceExecution, callback: Callback, body: bytes) -> Answer:
        namespace = execution.metadata.namespace
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
        async with self._host_turn(target), self._turns:
            headers = signed_headers(key, execution.metadata.uid, body, datetime.now(UTC))
            return await self._sender.send(target, body, headers)

    def _host_turn(self, target: Target) -> asyncio.Semaphore:
        return self._hosts.setdefault(target.host, asyncio.Semaphore(_AT_ONCE_PER_HOST))

    async def _key(self, namespace: str, name: str) -> bytes | None:
        secret = await self._client.get(SECRETS, namespace, CALLBACK_SECRET)
        data = secret.get("data") if secret is not None else None
        value = data.get(name) if isinstance(data, dict) else None
        try:
            key = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
        except binascii.Error:
            key = b""
        return key.strip() or None

    async def _record(self, execution: ServiceExecution, status: CallbackStatus) -> bool:
        """Write how far it has come, repeated until it is written; False when the execution is gone."""
        metadata = execution.metadata
        recorded: JsonObject = status.model_dump(mode="json", by_alias=True)
        # the uid: another execution may have the name by now
        patch: JsonObject = {"metadata": {"uid": metadata.uid}, "status": {"callback": recorded}}
        pause = 1.0
        while True:
            try:
                written = await self._client.patch(
                    SERVICE_EXECUTIONS, metadata.namespace, metadata.name, patch, subresource="status"
                )
            except KubernetesError as error:
                if not error.retriable:
                    return False
                await self._sleep(pause)
                pause = min(pause * 2, 60.0)
                continue
            return written is not None

    async def _bury(self, execution: ServiceExecution, body: bytes, status: CallbackStatus) -> None:
        """Keep what could not be delivered beside the execution's results, and say so."""
        metadata = execution.metadata
        logger.warning("callback given up", namespace=metadata.namespace, execution=metadata.name)
        try:
            await self._store.write_dead_letter(execution.reference, body)
        except StoreError as error:
            logger.warning("the undelivered callback could not be kept", error=str(error))
        about = ObjectIdentity(
            f"{API_GROUP}/{API_VERSION}", KIND, metadata.namespace, metadata.name, metadata.uid
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
    pause = max(pause * random.uniform(0.75, 1.25), min(answer.retry_after or 0.0, LONGEST_PAUSE))  # noqa: S311
    return CallbackStatus(
        state=CallbackState.PENDING,
        attempts=attempts,
        last_attempt_time=now,
        next_attempt_time=now + timedelta(seconds=pause),
        message=answer.problem,
    )
