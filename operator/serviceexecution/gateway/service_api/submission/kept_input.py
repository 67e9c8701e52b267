"""The input that an execution was submitted with, as it is kept for as long as the execution exists."""

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import object_at, text_at, text_of
from serviceexecution.contract.problems import InputError
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.kubernetes_api import GatewayKubernetes
from serviceexecution.gateway.service_api.submission.beside import beside
from serviceexecution.gateway.service_api.submission.input_retention import is_over
from serviceexecution.gateway.service_api.submission.objects import stored_properties
from serviceexecution.gateway.state.execution_object import read_object
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.kube.kinds import CONFIG_MAPS
from serviceexecution.resources.names import JOB_NOT_STORED

_OF_SUBMISSIONS: Final = frozenset(
    {"serviceRef", "inputFrom", "secrets", "tags", "cancel", "ttlSecondsAfterFinished", "dataPools"}
)
"""Members of the spec of an execution that the gateway has made. With others, such as env, it would be another run."""


@dataclass(frozen=True, slots=True)
class KeptInput:
    """What can be run again."""

    properties: dict[str, str]
    """Name → JSON text."""
    secrets: frozenset[str]
    """Names of secrets, whose values are not kept."""
    tags: tuple[str, ...]
    to_modify: frozenset[str] = frozenset()
    """Properties whose data pools the program was to modify."""

    @property
    def size(self) -> int:
        """Return the bytes of the input."""
        return sum(len(name) + len(text.encode()) for name, text in self.properties.items())


async def kept_input(client: GatewayKubernetes, execution: KnownExecution) -> KeptInput:
    """Return the execution's input; raises Problem 400 when it is not kept or may not be used, 503, KubernetesError."""
    if execution.job == JOB_NOT_STORED:
        raise _not_kept("The job was created without storeInput, so its input is not used again.")
    body = await read_object(client, execution)
    if is_over(object_at(body, "metadata"), execution.completion_time, datetime.now(UTC)):
        raise _not_kept("The execution's input is not kept any more: its service's inputRetention is over.")
    spec = object_at(body, "spec")
    secrets = object_at(spec, "secrets")
    source = text_at(spec, "inputFrom", "configMapRef", "name")
    own = {text_at(spec, "secrets", name, "secretKeyRef", "name") for name in secrets}
    pools = object_at(spec, "dataPools")
    granted = all(
        isinstance(pool, dict) and set(pool) == {"dataPoolRef", "readOnly"} and pool["readOnly"] is False
        for pool in pools.values()
    )
    if not granted or not set(spec) <= _OF_SUBMISSIONS or not {source, *own} <= {"", execution.name}:
        raise _not_kept("The execution was not made by this gateway: run it again with kubectl.")
    tags = spec.get("tags")
    return KeptInput(
        await _properties(client, execution) if source else {},
        frozenset(secrets),
        tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        frozenset(pools),
    )


async def _properties(client: GatewayKubernetes, execution: KnownExecution) -> dict[str, str]:
    """Return what the execution's own ConfigMap holds: one that it owns, whatever else has its name."""
    found = await client.get(CONFIG_MAPS, execution.namespace, execution.name)
    if found is None or not execution.owns(object_at(found, "metadata")):
        raise _not_kept("The execution's input is gone.")
    size = sum(map(len, map(text_of, object_at(found, "data").values())))
    try:
        return await beside(execution.namespace, size, stored_properties, found)
    except InputError:
        raise _not_kept("The execution's input cannot be read.") from None


def _not_kept(sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "InputNotStored", sentence)
