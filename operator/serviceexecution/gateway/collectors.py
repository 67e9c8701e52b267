"""Which execution a collector belongs to: its token names the pod, the pod its Job, the Job its execution.

Labels are not believed: whoever may edit a pod may set them.
"""

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.gateway.cache import ExpiringCache
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.problems import Problem
from serviceexecution.kube.kinds import JOBS, PODS
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
        self._client = client
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
        review = await self._client.review_token(token, COLLECTOR_TOKEN_AUDIENCE)
        if review is None:
            raise unauthorized("The token is not valid for this audience.")
        account, pod_name, pod_uid = review.service_account, review.pod_name, review.pod_uid
        if account is None or pod_name is None or pod_uid is None:
            raise _forbidden("The token is not bound to a pod.")
        namespace = account[0]
        pod = await self._client.get(PODS, namespace, pod_name)
        if pod is None or _metadata(pod).get("uid") != pod_uid:
            raise _gone("The token's pod is gone.")
        job_name, job_uid = _controller(pod, "batch/", "Job")
        job = await self._client.get(JOBS, namespace, job_name)
        if job is None or _metadata(job).get("uid") != job_uid:
            raise _gone("The pod's Job is gone.")
        name, uid = _controller(job, f"{API_GROUP}/", KIND)
        return CollectorIdentity(
            ref=ExecutionReference(namespace, name, uid),
            attempt=_attempt(job),
            pod_name=pod_name,
            pod_uid=pod_uid,
            output_limit=_output_limit(pod),
        )


def bearer_token(request: Request) -> str:
    """Return the request's bearer token; raises Problem 401."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("A bearer token is needed.")
    return token


def unauthorized(detail: str) -> Problem:
    """Return a 401."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "Unauthorized",
        detail,
        headers={"WWW-Authenticate": 'Bearer realm="gateway"'},
    )


def _forbidden(detail: str) -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, "NotACollector", detail)


def _gone(detail: str) -> Problem:
    """Return a 410: nobody waits for this output any more, and asking again will not help."""
    return Problem(HTTPStatus.GONE, "ExecutionGone", detail)


def _metadata(item: JsonObject) -> JsonObject:
    return _object(item.get("metadata"))


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _controller(item: JsonObject, group_prefix: str, kind: str) -> tuple[str, str]:
    owners = _metadata(item).get("ownerReferences")
    for owner in owners if isinstance(owners, list) else []:
        reference = _object(owner)
        name, uid = reference.get("name"), reference.get("uid")
        if (
            reference.get("controller") is True
            and reference.get("kind") == kind
            and str(reference.get("apiVersion")).startswith(group_prefix)
            and isinstance(name, str)
            and isinstance(uid, str)
        ):
            return name, uid
    raise _forbidden(f"The token's pod belongs to no {KIND}.")


def _attempt(job: JsonObject) -> int:
    text = _object(_metadata(job).get("labels")).get(LABEL_ATTEMPT)
    return int(text) if isinstance(text, str) and text.isascii() and text.isdecimal() and int(text) else 1


def _output_limit(pod: JsonObject) -> int | None:
    text = _object(_metadata(pod).get("annotations")).get(OUTPUT_LIMIT_ANNOTATION)
    return int(text) if isinstance(text, str) and text.isascii() and text.isdecimal() else None
