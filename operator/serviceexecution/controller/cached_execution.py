"""Executions as the cache keeps them: without what nobody reads any more, and those that cannot be read at all."""

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.unreadable import UnreadableMetadata, faults_of, metadata_of_unreadable
from serviceexecution.resources.execution import ServiceExecution
from serviceexecution.resources.execution_status import Phase

_NEEDED_AFTER_THE_END: Final = frozenset({"callback", "tags", "ttlSecondsAfterFinished"})
"""What is read of the fields of its service when an execution has ended."""


@dataclass(frozen=True, slots=True)
class UnreadableExecution:
    """An execution whose spec does not fit the models, although the API server took it."""

    metadata: UnreadableMetadata
    problem: str
    ended: bool
    """It has ended, under an operator that could read it: that stands."""


CachedExecution = ServiceExecution | UnreadableExecution


def cached(body: JsonObject) -> CachedExecution:
    """Return the execution as it is worth keeping; ``body`` is as the API server has it."""
    try:
        return _slim(ServiceExecution.model_validate(body))
    except ValidationError as error:
        return _unreadable(body, error)


def _slim(execution: ServiceExecution) -> ServiceExecution:
    """Leave out what is not needed any more of an execution that has ended: most known ones ended long ago."""
    phase = execution.status.phase
    if phase is None or not phase.terminal:
        return execution
    spec = execution.spec.model_copy(update={"input": None, "input_json": None, "pod_template": None})
    service = execution.status.service
    if service is not None:
        fields = {name: value for name, value in service.fields.items() if name in _NEEDED_AFTER_THE_END}
        service = service.model_copy(update={"fields": fields, "output_schema": None})
    status = execution.status.model_copy(update={"result": None, "service": service})
    return execution.model_copy(update={"spec": spec, "status": status})


def _unreadable(body: JsonObject, error: ValidationError) -> UnreadableExecution:
    status = body.get("status")
    return UnreadableExecution(
        metadata_of_unreadable(body),
        problem=faults_of(error),
        ended=isinstance(status, dict)
        and status.get("phase") in {phase.value for phase in Phase if phase.terminal},
    )
