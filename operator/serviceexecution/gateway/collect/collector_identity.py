"""Which execution a collector belongs to: its token names the pod, the pod its Job, the Job its execution.

Anybody who may create Jobs and pods in a namespace can make ones that name any execution as their owner, since owner
references and labels are free text. So the Job must be the one whose uid the controller has written into the
execution's status, where people have no right to write, the pod one that this Job counts as its own, and the
execution one that has not ended: what it has left is final. The attempt also comes from the status.
"""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pydantic import ValidationError
from starlette.requests import Request

from serviceexecution.contract.json_types import JsonObject, metadata_of, object_of, text_at
from serviceexecution.gateway.access.bearer import bearer_token
from serviceexecution.gateway.access.pods import BoundPod, PodTokens, is_counted, texts_of
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.http.payers import pay_as_pod
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.resources.names import (
    COLLECTOR_TOKEN_AUDIENCE,
    KIND,
    OUTPUT_LIMIT_ANNOTATION,
)
from serviceexecution.resources.reference import ExecutionReference

DEFAULT_OUTPUT_LIMIT: Final = 10 * 1024**3
"""As the controller's: a pod whose annotation somebody took away has no more than others."""
CACHE_SECONDS: Final = 60.0
"""How long an answer is believed. An execution may end meanwhile: a commit asks anew (``confirm``), and no upload
reaches a committed output."""
REFUSAL_SECONDS: Final = 2.0
"""How long a refusal is repeated: each costs four requests of the API server, and a pod may ask without pause."""
MAX_CALLS: Final = 8
"""Calls of one collector that are worked on at the same time: it makes two, and may have left some behind."""
_CAPACITY: Final = 4096
_FINAL: Final = frozenset(phase.value for phase in Phase if phase.terminal)


@dataclass(frozen=True, slots=True)
class CollectorIdentity:
    """The collector of one attempt of an execution; ``output_limit`` in bytes."""

    reference: ExecutionReference
    attempt: int
    job_uid: str
    pod_name: str
    pod_uid: str
    output_limit: int
    pools: tuple[UsedPool, ...] = ()
    """The data pools that the execution's status has recorded: its pod may have these and no other."""


@dataclass(frozen=True, slots=True)
class _Reviewed:
    """A collector, and its pod as it was read to know it. The pod is kept no longer than the request."""

    identity: CollectorIdentity
    pod: JsonObject


class CollectorAuthentication:
    """Tells from its token which collector is calling; believes an answer for a minute."""

    def __init__(self, client: GatewayKubernetes) -> None:
        self._client = client
        self._pods = PodTokens(
            client,
            audience=COLLECTOR_TOKEN_AUDIENCE,
            owner_kind=KIND,
            forbidden="NotACollector",
            gone="ExecutionGone",
        )
        self._known: ExpiringCache[bytes, CollectorIdentity] = ExpiringCache(
            seconds=CACHE_SECONDS, capacity=_CAPACITY
        )
        self._refused: ExpiringCache[bytes, Problem] = ExpiringCache(
            seconds=REFUSAL_SECONDS, capacity=_CAPACITY
        )
        self._active: Counter[bytes] = Counter()
        self._reviews: SingleFlight[bytes, _Reviewed] = SingleFlight()

    async def identify(self, request: Request) -> CollectorIdentity:
        """Return who is calling. The pod is in ``request.state.pod`` when it was read for that.

        Raises Problem 401, 403, 410, and 503 while the controller has not recorded the Job; KubernetesError.
        """
        token = bearer_token(request)
        key = _digest(token)
        refusal = self._refused.get(key)
        if refusal is not None:
            raise refusal.copy()
        identity = self._known.get(key)
        if identity is None:
            reviewed = await self._reviews.ask(key, lambda: self._remembered(key, token))
            identity, request.state.pod = reviewed.identity, reviewed.pod
        pay_as_pod(identity.reference.namespace)
        request.state.execution = identity.reference
        return identity

    @contextlib.contextmanager
    def counted(self, request: Request) -> Iterator[None]:
        """Count the request as one of its token's while it is worked on; raises Problem 401 or 429."""
        key = _digest(bearer_token(request))
        if self._active[key] >= MAX_CALLS:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "TooManyCalls",
                f"More than {MAX_CALLS} calls of this collector are being answered.",
                headers={"Retry-After": "1"},
            )
        self._active[key] += 1
        try:
            yield
        finally:
            self._active[key] -= 1
            if not self._active[key]:
                del self._active[key]

    async def confirm(self, identity: CollectorIdentity) -> None:
        """Raise Problem 410 unless the execution, as it is now, still waits for this output; KubernetesError."""
        await self._status(identity.reference, identity.job_uid, identity.pod_uid)

    async def stop_reason(self, identity: CollectorIdentity) -> str:
        """Return why the execution is being stopped, as it is now, "" when it is not. Raises as ``confirm``."""
        status = await self._status(identity.reference, identity.job_uid, identity.pod_uid)
        return text_at(status, "stopRequested", "reason")

    async def _remembered(self, key: bytes, token: str) -> _Reviewed:
        try:
            reviewed = await self._review(token)
        except Problem as refusal:
            self._refused.put(key, refusal.copy())
            raise
        self._known.put(key, reviewed.identity)
        return reviewed

    async def _review(self, token: str) -> _Reviewed:
        bound = await self._pods.pod_of(token)
        if not is_counted(bound):
            raise self._pods.forbidden("The token's pod is none that its Job has made.")
        owner = self._pods.owner_of(bound)
        reference = ExecutionReference(bound.namespace, owner.name, owner.uid)
        status = await self._status(reference, bound.job_uid, bound.uid)
        identity = CollectorIdentity(
            reference=reference,
            attempt=_attempt(status),
            job_uid=bound.job_uid,
            pod_name=bound.name,
            pod_uid=bound.uid,
            output_limit=_output_limit(bound),
            pools=_pools(status),
        )
        return _Reviewed(identity, bound.pod)

    async def _status(self, reference: ExecutionReference, job_uid: str, pod_uid: str) -> JsonObject:
        """Return the status of the execution whose Job and pod these are, by its own word."""
        # From the API server itself: what the controller has just written counts
        execution = await self._client.get(SERVICE_EXECUTIONS, reference.namespace, reference.name)
        if execution is None or metadata_of(execution).get("uid") != reference.uid:
            raise self._pods.gone("The execution is gone.")
        status = object_of(execution.get("status"))
        if status.get("phase") in _FINAL:
            raise self._pods.gone("The execution has ended; nobody waits for its output any more.")
        recorded = object_of(status.get("job")).get("uid")
        if recorded is None:
            raise unavailable("JobNotRecorded", "The execution's status does not name a Job yet; try again.")
        if recorded != job_uid:
            raise self._pods.gone("The execution's Job is another one.")
        pod = object_of(status.get("pod")).get("uid")
        if pod is not None and pod != pod_uid:  # A queue may have put another pod in its place just now
            raise unavailable("PodNotRecorded", "The execution's status names another pod; try again.")
        return status


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _attempt(status: JsonObject) -> int:
    attempts = status.get("attempts")
    return attempts if isinstance(attempts, int) and attempts > 0 else 1


def _output_limit(bound: BoundPod) -> int:
    text = texts_of(metadata_of(bound.pod).get("annotations")).get(OUTPUT_LIMIT_ANNOTATION, "")
    return int(text[:20]) if text.isascii() and text.isdecimal() else DEFAULT_OUTPUT_LIMIT


def _pools(status: JsonObject) -> tuple[UsedPool, ...]:
    """Return the data pools of a status, which only the controller writes."""
    recorded = status.get("dataPools")
    try:
        return tuple(UsedPool.model_validate(one) for one in recorded) if isinstance(recorded, list) else ()
    except ValidationError as error:
        raise unavailable(
            "DataPoolsUnreadable", "The data pools in the execution's status cannot be read."
        ) from error
