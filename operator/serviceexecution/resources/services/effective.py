"""What an execution of a service runs with: its own fields, and those that it took from the service."""

import hashlib
import json
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_settings import ExecutionSettings
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.execution_status import TakenService
from serviceexecution.resources.services.definition import ServiceDefinitionSpec

_ALIASES: Final = {name: field.alias or name for name, field in ExecutionSettings.model_fields.items()}
TAKEN_FIELDS: Final = frozenset({*_ALIASES.values(), "runtime"})
"""Fields of a ServiceDefinition that its executions run with."""

_MERGED_MAPS: Final = ("secrets", "dataPools", "output")

LONGEST_KEPT_SCHEMA: Final = 8 * 1024
"""Bytes of an outputSchema that an ended execution keeps: as much as of its main result. Executions are kept for long,
and 10,000 copies of one schema of 60 KiB would be 600 MB in etcd."""


def taken_fields(definition: ServiceDefinitionSpec) -> JsonObject:
    """Return what executions take from a definition, as JSON for ``status.service.fields``."""
    found: JsonObject = definition.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: value for name, value in found.items() if name in TAKEN_FIELDS}


def effective_spec(execution: ServiceExecution) -> ExecutionSpec:
    """Return the spec that the execution runs with; its own where it took nothing from a service.

    What the execution sets itself wins; env, secrets, dataPools and the members of output are merged by name.
    Raises pydantic's ValidationError when what was taken does not fit the models of this version.
    """
    service = execution.status.service
    if execution.spec.service_ref is None or service is None:
        return execution.spec
    return spec_on_top(service.fields, execution.spec)


def spec_on_top(taken: JsonObject, spec: ExecutionSpec) -> ExecutionSpec:
    """Return the spec of what was taken and what the execution sets itself; raises ValidationError.

    The input is handed on as it is: no service has one, and the models go no deeper than two hundred levels. Whoever
    plans checks it.
    """
    found = ExecutionSpec.model_validate(merged(taken, own_fields(spec)))
    return found if spec.input is None else found.model_copy(update={"input": spec.input})


def own_fields(spec: ExecutionSpec) -> JsonObject:
    """Return what an execution sets itself but for its input, as JSON. A null of its own takes nothing away."""
    own: JsonObject = spec.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"input"})
    return {name: value for name, value in own.items() if value is not None}


def merged(taken: JsonObject, own: JsonObject) -> JsonObject:
    """Return ``own`` on top of ``taken``."""
    result: JsonObject = {**taken, **own}
    for name in _MERGED_MAPS:
        first, second = taken.get(name), own.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            result[name] = {**first, **second}
    result["env"] = _by_name(taken.get("env"), own.get("env"))
    return result


def _by_name(taken: JsonValue, own: JsonValue) -> list[JsonValue]:
    variables: dict[JsonValue, JsonValue] = {}
    for part in (taken, own):
        for variable in part if isinstance(part, list) else []:
            if isinstance(variable, dict):
                variables[str(variable.get("name"))] = variable
    return list(variables.values())


def after_the_end(taken: TakenService | None) -> TakenService | None:
    """Return what an ended execution keeps of what it has taken: of a long schema the digest."""
    if taken is None or taken.output_schema is None:
        return taken
    text = json.dumps(taken.output_schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    data = text.encode(errors="surrogatepass")
    if len(data) <= LONGEST_KEPT_SCHEMA:
        return taken
    digest = hashlib.sha256(data).hexdigest()
    return taken.model_copy(update={"output_schema": None, "output_schema_digest": digest})
