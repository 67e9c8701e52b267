"""The execution that a path below /api/v1 names, for a caller who may do with it what is asked."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from fastapi import Request

from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at
from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.http.path_names import is_namespace, is_object_name
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.names import PLURAL
from serviceexecution.resources.reference import ExecutionReference

EXECUTION: Final = "/namespaces/{namespace}/executions/{name}"
_FINAL: Final = frozenset(phase.value for phase in Phase if phase.terminal)


@dataclass(frozen=True, slots=True)
class FoundExecution:
    """An execution with which the caller may do what they ask, and the attempt that its status shows."""

    reference: ExecutionReference
    attempt: int
    over: bool
    of_service: bool
    """Whether it runs a service, and no image of its own."""


async def found_execution(
    request: Request,
    access: Access,
    state: ServiceState,
    namespace: str,
    name: str,
    *,
    verb: str,
    subresource: str,
) -> FoundExecution:
    """Return the execution as the API server has it; raises Problem 401, 403, 404, KubernetesError."""
    caller = await access.authenticate(request)
    if not is_namespace(namespace) or not is_object_name(name):
        raise _not_found(namespace, name)
    await access.require(
        caller, verb=verb, resource=PLURAL, subresource=subresource, namespace=namespace, name=name
    )
    execution = await state.body_of_execution(namespace, name)
    if execution is None:
        raise _not_found(namespace, name)
    found = _found(execution, namespace, name)
    request.state.execution = found.reference
    return found


def is_over(execution: JsonObject, uid: str) -> bool:
    """Tell whether the execution with that uid has ended, or is another one by now."""
    return metadata_of(execution).get("uid") != uid or object_at(execution, "status").get("phase") in _FINAL


def _found(execution: JsonObject, namespace: str, name: str) -> FoundExecution:
    uid = metadata_of(execution).get("uid")
    if not isinstance(uid, str):
        raise _not_found(namespace, name)
    attempts = object_at(execution, "status").get("attempts")
    return FoundExecution(
        reference=ExecutionReference(namespace, name, uid),
        attempt=attempts if isinstance(attempts, int) and attempts > 0 else 1,
        over=is_over(execution, uid),
        of_service=bool(object_at(execution, "spec", "serviceRef")),
    )


def _not_found(namespace: str, name: str) -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND, "ExecutionNotFound", f"There is no execution {name} in namespace {namespace}."
    )
