"""DELETE /api/v1/…/executions/{name}: an execution of a service that has ended, with its log and its result."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from serviceexecution.gateway.access.callers import Access
from serviceexecution.gateway.access.rights import DELETE
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.results.lookup import EXECUTION, FoundExecution, found_execution
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS


def delete_router(client: GatewayKubernetes, state: ServiceState, access: Access) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/api/v1", redirect_slashes=False)

    @router.delete(EXECUTION)
    async def delete_execution(request: Request, namespace: str, name: str) -> Response:
        """Its uid was read before: another one that has its name by now stays."""
        found = await found_execution(
            request, access, state, namespace, name, verb=DELETE.verb, subresource=DELETE.subresource
        )
        _check(found)
        try:
            await client.delete(SERVICE_EXECUTIONS, namespace, name, uid=found.reference.uid)
        except KubernetesError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                raise _no_deletes(name) from None
            raise
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


def _check(found: FoundExecution) -> None:
    """Raise Problem 403, 409 for what the gateway's fence would refuse."""
    name = found.reference.name
    if not found.of_service:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "NotAService",
            f"The gateway deletes executions of services only; {name} runs an image: use sx delete {name}.",
        )
    if not found.over:
        raise Problem(
            HTTPStatus.CONFLICT,
            "NotEnded",
            f"Execution {name} has not ended: cancel it first, and delete it when it has ended.",
        )


def _no_deletes(name: str) -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        "NotSupported",
        f"This gateway may not delete executions: use sx delete {name}, or let an operator set "
        "gateway.platformApi.write in the chart.",
    )
