"""Which running execution a token is of: the parent of what it starts, or a caller that reads itself."""

from typing import Final

from starlette.requests import Request

from serviceexecution.gateway.http.path_names import is_object_name
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.resources.execution_token import holder_of, is_same

PARENT_HEADER: Final = "X-Parent-Execution-Token"


async def parent_of(state: ServiceState, request: Request, namespace: str) -> str | None:
    """Return the uid of the execution whose program sends the request, as its token shows.

    A token that cannot be verified, or is of another namespace, is ignored: no run fails for want of a parent.
    """
    token = request.headers.get(PARENT_HEADER, "").strip()
    holder = holder_of(token) if token else None
    if holder is None or holder[0] != namespace or not is_object_name(holder[1]):
        return None
    try:
        found = await state.execution(namespace, None, holder[1])
    except KubernetesError:
        return None
    return None if found is None or not _holds(found, token) else found.uid


def holder_now(state: ServiceState, token: str, namespace: str) -> KnownExecution | None:
    """Return the running execution of the namespace whose token it is, as far as this gateway knows by its watch."""
    holder = holder_of(token)
    if holder is None or holder[0] != namespace:
        return None
    found = state.known_execution(namespace, None, holder[1])
    return found if found is not None and _holds(found, token) else None


def _holds(execution: KnownExecution, token: str) -> bool:
    return execution.token is not None and not execution.has_ended and is_same(token, execution.token)
