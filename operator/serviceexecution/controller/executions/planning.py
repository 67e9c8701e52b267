"""From an execution to a plan, with what its service and the objects it names say; reads only.

An execution takes from its service when it starts, after everything about it was checked: once
``status.service`` is written, neither limits nor schema nor concurrency are asked again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, ParamSpec, TypeVar

import structlog
from pydantic import ValidationError

from serviceexecution.contract.input.submission import input_text
from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at, text_at
from serviceexecution.controller.clock import Clock
from serviceexecution.controller.executions.admission import Admission
from serviceexecution.controller.executions.plan_memory import PlanMemory
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.known.weight import is_within
from serviceexecution.controller.service_problem import Checker, problem_of, said
from serviceexecution.controller.settings import ControllerSettings
from serviceexecution.controller.work.keys import ServiceKey
from serviceexecution.executions.place import place_detail
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.planning.plan import Plan, ReadSpec, plan_of, read_spec
from serviceexecution.executions.planning.service import (
    limits_problem,
    pool_problem,
    revision_problem,
    take,
)
from serviceexecution.executions.pools.resolve import KnownPools
from serviceexecution.executions.reasons import Reason
from serviceexecution.fairness.work import THREADS
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    DATA_POOLS,
    PERSISTENT_VOLUME_CLAIMS,
    SERVICE_DEFINITIONS,
    ResourceKind,
)
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.execution_status import TakenService
from serviceexecution.resources.names import LABEL_DATA_POOL_ID
from serviceexecution.resources.pods.observed import ClaimView, ConfigMapView
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.effective import spec_on_top
from serviceexecution.schemas.checker import SchemaSuspendedError, SchemaTimeoutError
from serviceexecution.schemas.rules import SchemaUnusableError

logger = structlog.stdlib.get_logger()

SMALL_INPUT_BYTES: Final = 8 * 1024
"""An input of so many bytes is looked at in a few milliseconds, even if they are thousands of properties."""
_FEW_POOLS: Final = 100
"""So many claims and data pools are read in a few milliseconds; a namespace may have thousands."""
_TEXTS: Final = frozenset({"annotations", "managedFields"})
"""Members of metadata that may be as large as all else."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan or what is in its way; ``taken`` is what the execution takes from its service now."""

    plan: Plan | PlanProblem
    taken: TakenService | None = None


class Planner:
    """Makes plans of executions that have no Job yet."""

    def __init__(
        self,
        client: KubernetesClient,
        cache: ObjectCache,
        checker: Checker,
        admission: Admission,
        settings: ControllerSettings,
        *,
        now: Clock,
    ) -> None:
        builds = settings.builds
        self._pull_secret = builds.registry.credentials_secret if builds is not None else ""
        self._stage_limit = settings.data_pool_stage_limit
        self._client = client
        self._cache = cache
        self._checker = checker
        self._admission = admission
        self._memory = PlanMemory()
        self._now = now

    async def plan(self, execution: ServiceExecution, spec: ExecutionSpec) -> Planned:
        """Return how the execution is run; ``spec`` is the one that it runs with. Raises KubernetesError."""
        service = ServiceKey.of(execution)
        if service is None or execution.status.service is not None:
            read = await self._read(execution, spec)
            return Planned(read if isinstance(read, PlanProblem) else await self._plan(execution, read))
        planned = await self._start_of(execution, service)
        if isinstance(planned.plan, PlanProblem) and planned.plan.reason is not Reason.QUEUED:
            self._admission.release(execution)
        return planned

    async def _start_of(self, execution: ServiceExecution, service: ServiceKey) -> Planned:
        definition = await self._definition(service)
        if definition is None and (unreadable := self._cache.unreadable.get(service)) is not None:
            return Planned(PlanProblem(Reason.SERVICE_NOT_READY, unreadable.problem, waiting=True))
        if definition is None:
            detail = f'Create the ServiceDefinition "{service.name}" or correct spec.serviceRef.name.'
            return Planned(PlanProblem(Reason.SERVICE_NOT_FOUND, detail, waiting=True))
        if (text := await self._definition_problem(definition)) is not None:
            return Planned(PlanProblem(Reason.SERVICE_NOT_READY, text, waiting=True))
        if (missing := revision_problem(definition)) is not None:
            return Planned(missing)
        checked = self._memory.is_checked(execution, definition)
        if checked and (queued := self._queued(definition, self._ahead(execution, definition))) is not None:
            return Planned(queued)
        taken = take(definition, pull_secret=self._pull_secret)
        try:
            spec = spec_on_top(taken.fields, execution.spec)
        except ValidationError:
            detail = "What it says does not fit this version of the operator."
            return Planned(PlanProblem(Reason.SERVICE_NOT_READY, detail, waiting=True))
        if (problem := limits_problem(definition, spec)) is not None:
            return Planned(problem)
        read = await self._read(execution, spec)
        if isinstance(read, PlanProblem):
            return Planned(read)
        plan = await self._plan(execution, read)
        if isinstance(plan, PlanProblem) and plan.reason is not Reason.DATA_POOL_NOT_FOUND:
            return Planned(plan)
        problem = await self._input_problem(execution, definition, read)
        if problem is not None or isinstance(plan, PlanProblem):
            return Planned(problem or plan)
        self._memory.note_checked(execution, definition)
        before = self._admission.admit(execution, definition.spec.concurrency)
        if (queued := self._queued(definition, before)) is not None:
            return Planned(queued)
        return Planned(plan, taken)

    def _ahead(self, execution: ServiceExecution, definition: ServiceDefinition) -> int | None:
        return self._admission.ahead(execution, definition.spec.concurrency)

    def _queued(self, definition: ServiceDefinition, before: int | None) -> PlanProblem | None:
        if before is None:
            return None
        past = self._admission.past.of(ServiceKey(definition.metadata.namespace, definition.metadata.name))
        detail = place_detail(before, definition.spec.concurrency or 1, past, self._now())
        return PlanProblem(Reason.QUEUED, detail, waiting=True)

    async def _definition(self, service: ServiceKey) -> ServiceDefinition | None:
        """Return the definition; that there is none is concluded from the API server only."""
        found = self._cache.definition(service)
        if found is not None:
            return found
        body = await self._client.get(SERVICE_DEFINITIONS, service.namespace, service.name)
        if body is None:
            return None
        self._cache.put_definition(body)
        return self._cache.definition(service)

    async def _definition_problem(self, definition: ServiceDefinition) -> str | None:
        """Return why no execution can start; checked once for all that wait for the same definition."""
        known = self._memory.problem_of(definition)
        if known is None:
            known = (await problem_of(definition, self._checker),)
            self._memory.note_problem(definition, known[0])
        return known[0]

    async def _read(self, execution: ServiceExecution, spec: ExecutionSpec) -> ReadSpec | PlanProblem:
        namespace, input_map = execution.metadata.namespace, None
        if spec.input_from is not None:
            body = await self._client.get(CONFIG_MAPS, namespace, spec.input_from.config_map_ref.name)
            input_map = None if body is None else ConfigMapView.model_validate(body)
        sound = self._memory.is_sound(input_map)
        large = _is_large(spec, input_map)
        read = await _beside(large, namespace, read_spec, spec, input_map, sound=sound)
        if isinstance(read, ReadSpec):
            self._memory.note_sound(input_map)
        return read

    async def _plan(self, execution: ServiceExecution, read: ReadSpec) -> Plan | PlanProblem:
        namespace, uid = execution.metadata.namespace, execution.metadata.uid
        large = _is_large(read.spec, read.input_map)
        used, limit = execution.status.data_pools or (), self._stage_limit
        known = KnownPools(used=used)
        plan = await _beside(large, namespace, plan_of, read, uid, known, stage_limit=limit)
        if not isinstance(plan, PlanProblem) or plan.reason is not Reason.DATA_POOL_NOT_FOUND:
            return plan
        known = await self._with_pools(namespace, known, _wanted_pools(read))
        return await _beside(large, namespace, plan_of, read, uid, known, stage_limit=limit)

    async def _with_pools(self, namespace: str, known: KnownPools, wanted: frozenset[str]) -> KnownPools:
        claims = await self._named(PERSISTENT_VOLUME_CLAIMS, namespace, wanted, label=LABEL_DATA_POOL_ID)
        try:
            pools = await self._named(DATA_POOLS, namespace, wanted)
        except KubernetesError as error:
            if error.status not in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
                raise
            # Role or CRD of an earlier version: claims are data pools as they were.
            logger.warning("data pools cannot be listed", namespace=namespace, error=str(error))
            pools = []
        many = len(claims) + len(pools) > _FEW_POOLS
        return await _beside(many, namespace, _read_pools, known, claims, pools)

    async def _named(
        self, kind: ResourceKind, namespace: str, wanted: frozenset[str], *, label: str | None = None
    ) -> list[JsonObject]:
        """Return the objects that are named so by name, uid or label, without their texts for people.

        All of a namespace may be more than fits into memory, for each pass that is under way.
        """
        found: list[JsonObject] = []
        async for page in self._client.list_pages(kind, namespace, label_selector=label):
            if page.begun_again:
                found.clear()
            found += [_without_texts(item) for item in page.items if wanted & _names_of_pool(item)]
        return found

    async def _input_problem(
        self, execution: ServiceExecution, definition: ServiceDefinition, read: ReadSpec
    ) -> PlanProblem | None:
        """Return why the service does not take the input: its data pools, or its schema."""
        if (problem := pool_problem(definition, read.spec, read.references)) is not None:
            return problem
        schema = definition.input_schema
        if schema is None:
            return None  # Whatever else is wrong with it, the plan has said.
        large = _is_large(read.spec, read.input_map)
        text = await _beside(large, execution.metadata.namespace, input_text, read.properties)
        try:
            faults = await self._checker.check(schema, text)
        except SchemaUnusableError as error:
            return PlanProblem(Reason.SERVICE_NOT_READY, f"spec.inputSchema: {error}", waiting=True)
        except SchemaTimeoutError as error:
            return PlanProblem(Reason.INVALID_INPUT, f"It could not be checked: {error}")
        except SchemaSuspendedError as error:
            return PlanProblem(Reason.SERVICE_NOT_READY, f"spec.inputSchema: {error}", waiting=True)
        return PlanProblem(Reason.INVALID_INPUT, said(faults)) if faults else None


def _wanted_pools(read: ReadSpec) -> frozenset[str]:
    """Return the names and ids of the data pools that a spec and its input name."""
    named = [pool.data_pool_ref.name for pool in (read.spec.data_pools or {}).values() if pool.data_pool_ref]
    return frozenset([*named, *(reference.id for reference in read.references.values())])


def _names_of_pool(item: JsonObject) -> set[str]:
    metadata = metadata_of(item)
    labelled = text_at(metadata, "labels", LABEL_DATA_POOL_ID)
    return {text_at(metadata, "name"), text_at(metadata, "uid"), labelled}


def _without_texts(item: JsonObject) -> JsonObject:
    metadata = {name: value for name, value in metadata_of(item).items() if name not in _TEXTS}
    spec: JsonObject = {"storage": object_at(item, "spec", "storage")}
    return {"metadata": metadata, "spec": spec, "status": object_at(item, "status")}


def _read_pools(known: KnownPools, claims: Iterable[JsonObject], pools: Iterable[JsonObject]) -> KnownPools:
    views = tuple(ClaimView.model_validate(item) for item in claims)
    return replace(known, claims=views, pools=tuple(_readable(pools)))


def _readable(items: Iterable[JsonObject]) -> Iterator[Pool]:
    """Give the DataPools that this version can read and that are not being deleted."""
    for item in items:
        try:
            pool = Pool.model_validate(item)
        except ValidationError:
            logger.warning("a data pool cannot be read", name=metadata_of(item).get("name"))
            continue
        if pool.metadata.deletion_timestamp is None:
            yield pool


def _is_large(spec: ExecutionSpec, input_map: ConfigMapView | None) -> bool:
    """Tell whether the input takes more than some milliseconds to look at: its length counts, and its properties."""
    if spec.input_json is not None and len(spec.input_json) > SMALL_INPUT_BYTES:
        return True
    if input_map is not None and not is_within(dict(input_map.data), SMALL_INPUT_BYTES):
        return True
    return spec.input is not None and not is_within(spec.input, SMALL_INPUT_BYTES)


async def _beside(
    large: bool, namespace: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
) -> R:
    """Call a function here, or beside the event loop when what it works on is large."""
    if not large:
        return function(*args, **kwargs)
    return await THREADS.run(namespace, function, *args, **kwargs)
