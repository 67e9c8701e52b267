"""From a spec and the objects it names to everything a Job is rendered from, or to what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from serviceexecution.contract.durations import DurationError, parse_duration
from serviceexecution.contract.input.configmap_keys import ConfigMapEntry, configmap_keys
from serviceexecution.contract.input.data_pools import DataPoolReference, file_properties, find_data_pools
from serviceexecution.contract.input.input_digest import input_digest
from serviceexecution.contract.input.input_files import (
    parse_input_object,
    parse_input_text,
    property_keys,
    property_names,
    split_config_map,
)
from serviceexecution.contract.input.property_names import check_property_name
from serviceexecution.contract.input.secret_names import check_secret_names
from serviceexecution.contract.paths import property_file
from serviceexecution.contract.problems import InputError
from serviceexecution.contract.quantities import QuantityError, parse_quantity
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.planning.pod_template import template_problem
from serviceexecution.executions.pools.resolve import (
    DEFAULT_STAGE_LIMIT,
    NO_POOLS,
    KnownPools,
    MountedPool,
    resolve,
)
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.retry import Retry
from serviceexecution.resources.executions.runtime import DockerRuntime
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.resources.names import ANNOTATION_INPUT_PROPERTIES
from serviceexecution.resources.pods.observed import ConfigMapView

DEFAULT_OUTPUT_LIMIT: Final = 10 * 1024**3
DEFAULT_COLLECT_TIMEOUT: Final = 3600.0
DEFAULT_START_TIMEOUT: Final = 600.0
DEFAULT_CANCEL_GRACE: Final = 30.0
MAX_MEMORY_FIELD: Final = "spec.retry.onOutOfMemory.maxMemory"


@dataclass(frozen=True, slots=True)
class Times:
    """The spec's durations, in seconds. ``timeout`` None means no limit."""

    timeout: float | None
    start_timeout: float
    cancel_grace: float
    collect_timeout: float


DEFAULT_TIMES: Final = Times(None, DEFAULT_START_TIMEOUT, DEFAULT_CANCEL_GRACE, DEFAULT_COLLECT_TIMEOUT)


@dataclass(frozen=True, slots=True)
class InputVolume:
    """Which ConfigMap carries the input files. ``own`` entries are written into one of ours by the
    controller.
    """

    source: Literal["empty", "own", "referenced"]
    entries: tuple[ConfigMapEntry, ...] = ()
    """Keys and paths; the text is empty for a referenced ConfigMap, which is mounted as it is."""
    config_map: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a Job is rendered from, beside the spec and the settings."""

    runtime: DockerRuntime
    input: InputVolume
    pools: tuple[MountedPool, ...]
    output_limit: int
    """Bytes."""
    output_claim: str | None
    """The claim that output is written to; None for the node's disk."""
    output_sub_path: str | None
    times: Times
    input_digest: str | None = None
    staged: tuple[UsedPool, ...] = ()
    """Data pools that are brought into the pod before the program starts."""

    @property
    def staged_bytes(self) -> int:
        """Return the size of what is brought into the pod."""
        return sum(pool.bytes for pool in self.staged)


def times_of(spec: ExecutionSpec) -> Times:
    """Return the spec's durations with their defaults; raises DurationError that names the field."""
    collect = spec.output.collect_timeout if spec.output else None
    return Times(
        timeout=None if spec.timeout is None else parse_duration(spec.timeout, field="spec.timeout"),
        start_timeout=_duration(spec.start_timeout, "spec.startTimeout", DEFAULT_START_TIMEOUT),
        cancel_grace=_duration(spec.cancel_grace, "spec.cancelGrace", DEFAULT_CANCEL_GRACE),
        collect_timeout=_duration(collect, "spec.output.collectTimeout", DEFAULT_COLLECT_TIMEOUT),
    )


def check_retry(retry: Retry | None) -> None:
    """Raise QuantityError that names the field when the largest memory is no size."""
    if retry is not None and retry.on_out_of_memory is not None:
        parse_quantity(retry.on_out_of_memory.max_memory, field=MAX_MEMORY_FIELD)


def _duration(text: str | None, field: str, default: float) -> float:
    return default if text is None else parse_duration(text, field=field)


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """What a spec and its input say, read once: nothing in them is wrong as far as they alone tell."""

    spec: ExecutionSpec
    input_map: ConfigMapView | None
    properties: Mapping[str, str]
    """The input, name → JSON text."""
    references: Mapping[str, DataPoolReference]
    """Those of the properties that name a data pool."""
    times: Times
    output_limit: int
    """Bytes."""


def make_plan(
    spec: ExecutionSpec, uid: str, input_map: ConfigMapView | None, known: KnownPools = NO_POOLS
) -> Plan | PlanProblem:
    """Decide how the spec of the execution ``uid`` is run: see ``read_spec`` and ``plan_of``."""
    read = read_spec(spec, input_map)
    return read if isinstance(read, PlanProblem) else plan_of(read, uid, known)


def read_spec(
    spec: ExecutionSpec, input_map: ConfigMapView | None, *, sound: bool = False
) -> ReadSpec | PlanProblem:
    """Read a spec and its input. ``input_map`` is the ConfigMap of ``spec.inputFrom``, None when it does not exist;
    ``sound``: the same one was read before, and nothing was wrong with it.
    """
    try:
        times = times_of(spec)
        limit = DEFAULT_OUTPUT_LIMIT
        if spec.output is not None and spec.output.limit is not None:
            limit = parse_quantity(spec.output.limit, field="spec.output.limit")
        if spec.result_retention is not None:
            parse_duration(spec.result_retention, field="spec.resultRetention")
        check_retry(spec.retry)
    except (DurationError, QuantityError) as error:
        return PlanProblem(Reason.INVALID_SPEC, str(error))
    if (problem := _spec_problem(spec)) is not None:
        return problem
    if spec.input_from is not None and input_map is None:
        name = spec.input_from.config_map_ref.name
        detail = f'Create the ConfigMap "{name}" or correct spec.inputFrom.configMapRef.name.'
        return PlanProblem(Reason.INPUT_NOT_FOUND, detail, waiting=True)
    try:
        properties, field = input_properties(spec, input_map, sound=sound)
        references = find_data_pools(properties, field=field)
    except InputError as error:
        return PlanProblem(Reason.INVALID_INPUT, str(error))
    return ReadSpec(spec, input_map, properties, references, times, limit)


def plan_of(
    read: ReadSpec, uid: str, known: KnownPools, *, stage_limit: int = DEFAULT_STAGE_LIMIT
) -> Plan | PlanProblem:
    """Decide how the execution ``uid`` is run, with the namespace's data pools as far as they are ``known``."""
    spec, properties, references = read.spec, read.properties, read.references
    pools = resolve(spec, references, known, stage_limit=stage_limit)
    if isinstance(pools, PlanProblem):
        return pools
    for name in pools.properties:
        if name in properties and name not in references:
            detail = (
                f'spec.dataPools["{name}"]: the input has a value of the same name; a property is '
                "either a value or a data pool."
            )
            return PlanProblem(Reason.INVALID_INPUT, detail)
    volume = _input_volume(spec, read.input_map, file_properties(properties, references))
    output_claim = spec.output.persistent_volume_claim if spec.output else None
    sub_path = spec.output.sub_path if spec.output else None
    if spec.runtime is None:
        return PlanProblem(Reason.INVALID_SPEC, "Say what runs: give either spec.serviceRef or spec.runtime.")
    return Plan(
        runtime=spec.runtime.docker,
        input=volume,
        pools=pools.mounted,
        staged=pools.staged,
        output_limit=read.output_limit,
        output_claim=output_claim.claim_name if output_claim else None,
        output_sub_path=(sub_path or uid) if output_claim else None,
        times=read.times,
        input_digest=input_digest(properties),
    )


def _spec_problem(spec: ExecutionSpec) -> PlanProblem | None:
    given = [
        name
        for name, value in (
            ("input", spec.input),
            ("inputJson", spec.input_json),
            ("inputFrom", spec.input_from),
        )
        if value is not None
    ]
    if len(given) > 1:
        detail = f"Give the input once: spec has {' and '.join(given)}."
        return PlanProblem(Reason.INVALID_SPEC, detail)
    if (text := template_problem(spec)) is not None:
        return PlanProblem(Reason.INVALID_SPEC, text)
    taken = {variable.name for variable in spec.env}
    problems = check_secret_names(spec.secrets or {}, taken=taken)
    if problems:
        return PlanProblem(
            Reason.INVALID_SPEC, " ".join(f"{problem.path}: {problem.message}" for problem in problems)
        )
    for name in spec.data_pools or {}:
        path = f'spec.dataPools["{name}"]'
        try:
            check_property_name(name, path=path)
        except InputError as error:
            return PlanProblem(Reason.INVALID_SPEC, str(error))
        if ":" in name:
            return PlanProblem(
                Reason.INVALID_SPEC, f"{path}: a folder cannot have a ':' in its name; rename it."
            )
    return None


def input_properties(
    spec: ExecutionSpec, input_map: ConfigMapView | None, *, sound: bool = False
) -> tuple[Mapping[str, str], str]:
    """Return the input's properties, name → JSON text, and the field they come from; raises InputError."""
    if spec.input_json is not None:
        return parse_input_text(spec.input_json).properties, "spec.inputJson"
    if spec.input_from is not None and input_map is not None:
        field = "spec.inputFrom.configMapRef"
        if input_map.binary_data:
            key = min(input_map.binary_data)
            raise InputError(field, f'The key "{key}" is binary; a value must be JSON text.')
        names = _names(input_map)
        if sound:
            keys = property_keys(dict(sorted(input_map.data.items())), names=names)
            return {name: input_map.data[key] for name, key in keys.items()}, field
        return split_config_map(input_map.data, field=field, names=names), field
    if spec.input is not None:
        return parse_input_object(spec.input).properties, "spec.input"
    return {}, "spec.input"


def _names(input_map: ConfigMapView) -> dict[str, str]:
    """Key → property, as the Service API notes it for properties that are no legal keys."""
    return property_names(
        input_map.metadata.annotations.get(ANNOTATION_INPUT_PROPERTIES),
        field=f"{ANNOTATION_INPUT_PROPERTIES} of the ConfigMap",
    )


def _input_volume(
    spec: ExecutionSpec, input_map: ConfigMapView | None, files: Mapping[str, str]
) -> InputVolume:
    if not files:
        return InputVolume("empty")
    if spec.input_from is not None and input_map is not None and input_map.immutable:
        keys = property_keys(input_map.data, names=_names(input_map))
        entries = tuple(ConfigMapEntry(keys[name], property_file(name), "") for name in sorted(files))
        return InputVolume("referenced", entries, input_map.metadata.name)
    return InputVolume("own", configmap_keys(files))
