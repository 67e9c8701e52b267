"""May this caller read that execution's results: the cluster's own accounts and roles decide."""

import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

from starlette.requests import Request

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.cache import ExpiringCache
from serviceexecution.gateway.collectors import bearer_token, unauthorized
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.problems import Problem
from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.names import API_GROUP, PLURAL
from serviceexecution.resources.reference import ExecutionReference

Subresource = Literal["results", "log"]

_TOKEN_SECONDS: Final = 60.0
_ACCESS_SECONDS: Final = 10.0
_CAPACITY: Final = 4096
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class FoundExecution:
    """An execution that the caller may read, and the attempt that its status shows."""

    ref: ExecutionReference
    attempt: int


class CallerAuthorization:
    """Authenticates callers by TokenReview and authorises them by SubjectAccessReview."""

    def __init__(self, client: GatewayKubernetes) -> None:
        self._client = client
        self._callers: ExpiringCache[bytes, TokenIdentity] = ExpiringCache(
            seconds=_TOKEN_SECONDS, capacity=_CAPACITY
        )
        self._decisions: ExpiringCache[tuple[bytes, str, str, str], bool] = ExpiringCache(
            seconds=_ACCESS_SECONDS, capacity=_CAPACITY
        )

    async def find(
        self, request: Request, namespace: str, name: str, subresource: Subresource
    ) -> FoundExecution:
        """Return the execution; raises Problem 401, 403 or 404, KubernetesError."""
        token = bearer_token(request)
        key = hashlib.sha256(token.encode()).digest()
        caller = self._callers.get(key)
        if caller is None:
            caller = await self._client.review_token(token, None)
            if caller is None:
                raise unauthorized("The token is not valid.")
            self._callers.put(key, caller)
        request.state.caller = caller.username
        if not _NAMESPACE.fullmatch(namespace) or not _NAME.fullmatch(name):
            raise _not_found(namespace, name)
        if not await self._allowed(key, caller, namespace, name, subresource):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "Forbidden",
                f"{caller.username} may not get {PLURAL}/{subresource} of {name} in namespace {namespace}.",
            )
        execution = await self._client.get(SERVICE_EXECUTIONS, namespace, name)
        if execution is None:
            raise _not_found(namespace, name)
        found = _found(execution, namespace, name)
        request.state.execution = found.ref
        return found

    async def _allowed(
        self, key: bytes, caller: TokenIdentity, namespace: str, name: str, subresource: Subresource
    ) -> bool:
        question = (key, namespace, name, subresource)
        allowed = self._decisions.get(question)
        if allowed is None:
            allowed = await self._client.review_access(
                caller,
                verb="get",
                group=API_GROUP,
                resource=PLURAL,
                subresource=subresource,
                namespace=namespace,
                name=name,
            )
            self._decisions.put(question, allowed)
        return allowed


def _not_found(namespace: str, name: str) -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND, "ExecutionNotFound", f"There is no execution {name} in namespace {namespace}."
    )


def _found(execution: JsonObject, namespace: str, name: str) -> FoundExecution:
    metadata = execution.get("metadata")
    uid = metadata.get("uid") if isinstance(metadata, dict) else None
    if not isinstance(uid, str):
        raise _not_found(namespace, name)
    status = execution.get("status")
    attempts = status.get("attempts") if isinstance(status, dict) else None
    attempt = attempts if isinstance(attempts, int) and attempts > 0 else 1
    return FoundExecution(ExecutionReference(namespace, name, uid), attempt)
