"""Receipts of executions: made from the objects, which are asked for once and not remembered."""

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.state.execution_object import read_object
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.resources.receipt import receipt_of


async def read_receipt(client: GatewayKubernetes, execution: KnownExecution, api_id: str) -> JsonObject:
    """Return the receipt of an execution; raises Problem 404 when it is gone, KubernetesError."""
    return receipt_of(await read_object(client, execution), api_id)
