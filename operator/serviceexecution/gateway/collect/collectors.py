"""Which execution a collector belongs to: its token names the pod, the pod its Job, the Job its execution."""

import hashlib
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.access.bearer import bearer_token
from serviceexecution.gateway.access.pods import PodTokens, metadata_of, texts_of
from serviceexecution.gateway.http.cache import ExpiringCache
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.resources.names import (
    API_GROUP,
    COLLECTOR_TOKEN_AUDIENCE,
    KIND,
    LABEL_ATTEMPT,
)
from serviceexecution.resources.reference import ExecutionReference

OUTPUT_LIMIT_ANNOTATION: Final = f"{API_GROUP}/output-limit"
"""On the pod: the most bytes of output that are kept."""
CACHE_SECONDS: Final = 60.0
_CAPACITY: Final = 4096


@dataclass(frozen=True, slots=True)
class CollectorIdentity:
    """The collector of one attempt of an execution; ``output_limit`` in bytes, None for no limit."""

    ref: ExecutionReference
    attempt: int
    pod_name: str
    pod_uid: str
    output_limit: int | None


class CollectorAuthentication:
    """Tells from its token which collector is calling; believes an answer for a minute."""

    def __init__(self, client: GatewayKubernetes) -> None:
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

    async def identify(self, request: Request) -> CollectorIdentity:
        """Return who is calling; raises Problem 401, 403 or 410, KubernetesError."""
        token = bearer_token(request)
        key = hashlib.sha256(token.encode()).digest()
        identity = self._known.get(key)
        if identity is None:
            identity = await self._review(token)
            self._known.put(key, identity)
        request.state.execution = identity.ref
        return identity

    async def _review(self, token: str) -> CollectorIdentity:
        bound = await self._pods.pod_of(token)
        execution = self._pods.owner_of(bound)
        return CollectorIdentity(
            ref=ExecutionReference(bound.namespace, execution.name, execution.uid),
            attempt=_attempt(bound.job),
            pod_name=bound.name,
            pod_uid=bound.uid,
            output_limit=_output_limit(bound.pod),
        )


def _attempt(job: JsonObject) -> int:
    text = texts_of(metadata_of(job).get("labels")).get(LABEL_ATTEMPT, "")
    return int(text) if text.isascii() and text.isdecimal() and int(text) else 1


def _output_limit(pod: JsonObject) -> int | None:
    text = texts_of(metadata_of(pod).get("annotations")).get(OUTPUT_LIMIT_ANNOTATION, "")
    return int(text) if text.isascii() and text.isdecimal() else None
