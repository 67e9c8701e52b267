"""Receipts of executions: made from the objects, which are asked for once and not remembered."""

from http import HTTPStatus

from serviceexecution.contract.json_types import JsonObject, text_at
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.receipt import receipt_of


async def read_receipt(client: GatewayKubernetes, execution: KnownExecution, api_id: str) -> JsonObject:
    """Return the receipt of an execution; raises Problem 404 when it is gone, KubernetesError."""
    body = await client.get(SERVICE_EXECUTIONS, execution.namespace, execution.name)
    if body is None or text_at(body, "metadata", "uid") != execution.uid:
        raise Problem(HTTPStatus.NOT_FOUND, "ExecutionNotFound", "The execution was deleted a moment ago.")
    return receipt_of(body, api_id)
