"""An execution's object as the API server has it now, for what is not remembered of it."""

from http import HTTPStatus

from serviceexecution.contract.json_types import JsonObject, text_at
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS


async def read_object(client: GatewayKubernetes, execution: KnownExecution) -> JsonObject:
    """Return the object; raises Problem 404 when it is gone, KubernetesError."""
    body = await client.get(SERVICE_EXECUTIONS, execution.namespace, execution.name)
    if body is None or text_at(body, "metadata", "uid") != execution.uid:
        raise Problem(HTTPStatus.NOT_FOUND, "ExecutionNotFound", "The execution was deleted a moment ago.")
    return body
