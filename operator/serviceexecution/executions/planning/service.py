"""What an execution takes from its service, and whether it stays within the service's limits."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from pydantic import ValidationError

from serviceexecution.contract.durations import DurationError, parse_duration
from serviceexecution.contract.input.data_pools import DataPoolReference
from serviceexecution.contract.json_types import JsonObject, object_at, objects_of
from serviceexecution.contract.quantities import QuantityError, parse_quantity
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.planning.plan import (
    DEFAULT_OUTPUT_LIMIT,
    MAX_MEMORY_FIELD,
    check_retry,
    times_of,
)
from serviceexecution.executions.planning.pod_template import template_problem
from serviceexecution.executions.pools.resolve import shown_id
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_settings import DataPool
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.execution_status import TakenService
from serviceexecution.resources.executions.retry import Retry
from serviceexecution.resources.names import CONDITION_READY
from serviceexecution.resources.services.definition import ServiceDefinition, ServiceLimits
from serviceexecution.resources.services.definition_status import Revision, ServicePhase
from serviceexecution.resources.services.effective import merged, taken_fields

_MILLI: Final = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")}
"""Suffixes below one: a share of a processor rounds up to a whole byte otherwise."""


def take(definition: ServiceDefinition, *, pull_secret: str = "") -> TakenService:
    """Return what an execution that starts now takes from the service: of one that is built, the image that serves.

    ``pull_secret`` names the Secret with which built images are pulled. Raises DurationError or QuantityError
    for limits that cannot be read (``definition_problem`` says so before).
    """
    fields = taken_fields(definition.spec)
    serving = definition.status.serving if definition.is_built else None
    if definition.is_built:
        fields = _built_fields(definition, fields, serving, pull_secret)
    limits = definition.spec.limits
    if limits is not None and limits.timeout is not None:
        fields.setdefault("timeout", limits.timeout)
    if (
        limits is not None
        and limits.output is not None
        and _bytes(limits.output, "spec.limits.output") < DEFAULT_OUTPUT_LIMIT
    ):
        fields["output"] = {"limit": limits.output, **object_at(fields, "output")}
    return TakenService(
        name=definition.metadata.name,
        uid=definition.metadata.uid,
        generation=definition.metadata.generation,
        revision=serving.name if serving is not None else None,
        source_digest=serving.source_digest if serving is not None else None,
        commit=serving.commit if serving is not None else None,
        image_digest=serving.image_digest if serving is not None else None,
        fields=fields,
        # What was read off a signature describes: Python holds no program to its annotation.
        output_schema=definition.spec.output_schema,
    )


def _built_fields(
    definition: ServiceDefinition, fields: JsonObject, serving: Revision | None, pull_secret: str
) -> JsonObject:
    """Return the fields of a service that is built, as if the image that serves had been given."""
    fields = {name: value for name, value in fields.items() if name != "runtime"}
    docker = definition.spec.runtime.docker
    if serving is not None and serving.image is not None:
        command: JsonObject = {}
        if docker is not None:
            command = docker.model_dump(
                mode="json", by_alias=True, exclude_unset=True, exclude_none=True, exclude={"image", "build"}
            )
        # By digest it is the same image wherever it is pulled from, or has been pulled before.
        image: JsonObject = {"image": serving.image, "imagePullPolicy": "IfNotPresent", **command}
        fields["runtime"] = {"docker": image}
    if definition.spec.runtime.python is not None:
        # Nothing of it writes there: HOME and /tmp are volumes.
        security = object_at(fields, "securityContext")
        fields["securityContext"] = {"readOnlyRootFilesystem": True, **security}
    if pull_secret:
        named = fields.get("imagePullSecrets")
        secrets = list(named) if isinstance(named, list) else []
        if {"name": pull_secret} not in secrets:
            fields["imagePullSecrets"] = [*secrets, {"name": pull_secret}]
    return fields


def revision_problem(definition: ServiceDefinition) -> PlanProblem | None:
    """Return what an execution of a service that is built waits for: its first image."""
    if not definition.is_built or definition.status.serving is not None:
        return None
    ready = next((one for one in definition.status.conditions if one.type == CONDITION_READY), None)
    detail = ready.message if ready is not None else "Its first image is being built."
    building = definition.status.phase in {None, ServicePhase.BUILDING}
    return PlanProblem(Reason.SERVICE_NOT_READY, detail, waiting=True, coming=building)


def definition_problem(definition: ServiceDefinition) -> str | None:
    """Return in a sentence why no execution of the service can start, as far as its fields tell; None if none."""
    spec, limits = definition.spec, definition.spec.limits or ServiceLimits()
    try:
        for name, quantity in (limits.resources or {}).items():
            amount(quantity, f"spec.limits.resources.{name}")
        if limits.timeout is not None:
            parse_duration(limits.timeout, field="spec.limits.timeout")
        if limits.output is not None:
            _bytes(limits.output, "spec.limits.output")
        if spec.result_retention is not None:
            parse_duration(spec.result_retention, field="spec.resultRetention")
        if spec.input_retention is not None:
            parse_duration(spec.input_retention, field="spec.inputRetention")
        defaults = ExecutionSpec.model_validate(merged(take(definition).fields, {}))
        times_of(defaults)
        check_retry(defaults.retry)
        if defaults.output is not None and defaults.output.limit is not None:
            _bytes(defaults.output.limit, "spec.output.limit")
        if (text := template_problem(defaults)) is not None:
            return text
        problem = limits_problem(definition, defaults)
    except (DurationError, QuantityError) as error:
        return str(error)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        return f"spec.{where} cannot be read by this version of the operator."
    return None if problem is None else problem.detail


def limits_problem(definition: ServiceDefinition, spec: ExecutionSpec) -> PlanProblem | None:
    """Return which limit of the service the effective ``spec`` exceeds, or which one cannot be read."""
    limits = definition.spec.limits or ServiceLimits()
    try:
        faults = [*_resource_faults(limits, spec), *_time_faults(limits, spec), *_output_faults(limits, spec)]
    except (DurationError, QuantityError) as error:
        return PlanProblem(Reason.INVALID_SPEC, str(error))
    rules = definition.spec.data_pool_rules
    if rules is not None:
        own = definition.spec.data_pools or {}
        asked = {name: pool for name, pool in (spec.data_pools or {}).items() if own.get(name) != pool}
        faults += _claim_faults(rules.allowed, asked)
    if not faults:
        return None
    return PlanProblem(Reason.INVALID_SPEC, " ".join(faults[:5]))


def pool_problem(
    definition: ServiceDefinition, spec: ExecutionSpec, references: Mapping[str, DataPoolReference]
) -> PlanProblem | None:
    """Return which DataPool, or data pool of the input, the service does not allow."""
    rules = definition.spec.data_pool_rules
    if rules is None:
        return None
    for name, pool in (spec.data_pools or {}).items():
        if pool.data_pool_ref is None or (definition.spec.data_pools or {}).get(name) == pool:
            continue
        asked = {pool.data_pool_ref.name} | ({references[name].id} if name in references else set())
        if asked.isdisjoint(rules.allowed):
            detail = (
                f'spec.dataPools["{name}"] names the DataPool "{pool.data_pool_ref.name}", which is not among the '
                f"service's spec.dataPoolRules.allowed: {_listed(rules.allowed)}."
            )
            return PlanProblem(Reason.INVALID_SPEC, detail)
    for name, reference in references.items():
        if name not in (spec.data_pools or {}) and reference.id not in rules.allowed:
            detail = (
                f'The input\'s property "{name}" names the data pool "{shown_id(spec, reference)}", which is not among '
                f"the service's spec.dataPoolRules.allowed: {_listed(rules.allowed)}."
            )
            return PlanProblem(Reason.INVALID_SPEC, detail)
    return None


def _resource_faults(limits: ServiceLimits, spec: ExecutionSpec) -> Iterator[str]:
    for place, asked in _asked_resources(spec):
        for name, most in (limits.resources or {}).items():
            if name not in asked:
                continue
            field = f"{place}.{name}"
            if amount(asked[name], field) > amount(most, f"spec.limits.resources.{name}"):
                yield f"{field} is {asked[name]}; the service allows at most {most}."
    yield from _retry_faults(limits, spec.retry)


def _retry_faults(limits: ServiceLimits, retry: Retry | None) -> Iterator[str]:
    rule, most = None if retry is None else retry.on_out_of_memory, (limits.resources or {}).get("memory")
    if rule is None or most is None:
        return
    if _bytes(rule.max_memory, MAX_MEMORY_FIELD) > _bytes(most, "spec.limits.resources.memory"):
        yield f"{MAX_MEMORY_FIELD} is {rule.max_memory}; the service allows at most {most}."


def _asked_resources(spec: ExecutionSpec) -> Iterator[tuple[str, Mapping[str, int | str]]]:
    """Give every list of resources and where it stands: podTemplate is merged over the others."""
    if spec.resources is not None:
        yield "spec.resources.requests", spec.resources.requests or {}
        yield "spec.resources.limits", spec.resources.limits or {}
    pod = object_at(spec.pod_template or {}, "spec")
    yield from _template_resources(pod, "spec.podTemplate.spec")
    for part in ("containers", "initContainers"):
        for container in objects_of(pod.get(part)):
            yield from _template_resources(container, f"spec.podTemplate.spec.{part}")


def _template_resources(holder: JsonObject, place: str) -> Iterator[tuple[str, Mapping[str, int | str]]]:
    for kind in ("requests", "limits"):
        asked = object_at(holder, "resources").get(kind)
        if isinstance(asked, dict):
            # The API server also takes 1.5 as a quantity.
            given = {
                name: str(value) for name, value in asked.items() if isinstance(value, int | float | str)
            }
            yield f"{place}.resources.{kind}", given


def _time_faults(limits: ServiceLimits, spec: ExecutionSpec) -> Iterator[str]:
    if limits.timeout is None or spec.timeout is None:
        return
    asked = parse_duration(spec.timeout, field="spec.timeout")
    if asked > parse_duration(limits.timeout, field="spec.limits.timeout"):
        yield f"spec.timeout is {spec.timeout}; the service allows at most {limits.timeout}."


def _output_faults(limits: ServiceLimits, spec: ExecutionSpec) -> Iterator[str]:
    asked = spec.output.limit if spec.output is not None else None
    if limits.output is None or asked is None:
        return
    if _bytes(asked, "spec.output.limit") > _bytes(limits.output, "spec.limits.output"):
        yield f"spec.output.limit is {asked}; the service allows at most {limits.output}."


def _claim_faults(allowed: tuple[str, ...], pools: Mapping[str, DataPool]) -> Iterator[str]:
    for name, pool in pools.items():
        if pool.persistent_volume_claim is None:
            continue  # A DataPool, which is checked with the input that may name it
        claim = pool.persistent_volume_claim.claim_name
        if claim not in allowed:
            yield (
                f'spec.dataPools["{name}"] names the claim "{claim}", which is not among the service\'s '
                f"spec.dataPoolRules.allowed: {_listed(allowed)}."
            )


def _listed(allowed: tuple[str, ...]) -> str:
    return ", ".join(allowed[:10]) + (", …" if len(allowed) > 10 else "") if allowed else "none"


def _bytes(quantity: int | str, field: str) -> int:
    return parse_quantity(quantity, field=field)


def amount(quantity: int | str, field: str) -> Decimal:
    """Return a quantity exactly, such as 0.25 for 250m; raises QuantityError that names ``field``."""
    whole = parse_quantity(quantity, field=field)
    text = str(quantity)
    try:
        if text[-1:] in _MILLI:
            return Decimal(text[:-1]) * _MILLI[text[-1]]
        return Decimal(text)
    except InvalidOperation:
        return Decimal(whole)
