"""From the data pools that a spec and its input name to what is mounted, or brought into the pod. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from serviceexecution.contract.input.data_pools import DataPoolReference
from serviceexecution.contract.quantities import format_quantity
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution_settings import DataPool
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.used_pools import UsedPool
from serviceexecution.resources.names import LABEL_DATA_POOL_ID
from serviceexecution.resources.pods.observed import ClaimView
from serviceexecution.resources.pools.pool import Pool

DEFAULT_STAGE_LIMIT: Final = 100 * 1024**3
MOST_STAGED: Final = 128
"""As many as the execution's status can record."""
_LISTED: Final = 10


@dataclass(frozen=True, slots=True)
class MountedPool:
    """A data pool as it is mounted."""

    property: str
    claim: str
    sub_path: str | None
    read_only: bool


@dataclass(frozen=True, slots=True)
class KnownPools:
    """The data pools of a namespace, as far as they were asked for."""

    claims: tuple[ClaimView, ...] = ()
    """Those with a data pool's label."""
    pools: tuple[Pool, ...] = ()
    used: tuple[UsedPool, ...] = ()
    """Those that the execution has recorded: it goes on with them as they were."""


NO_POOLS: Final = KnownPools()


@dataclass(frozen=True, slots=True)
class PlannedPools:
    """How each data pool comes into the pod."""

    mounted: tuple[MountedPool, ...] = ()
    staged: tuple[UsedPool, ...] = ()
    """Those of the results store, which are brought into the pod before the program starts."""

    @property
    def properties(self) -> tuple[str, ...]:
        """Return the properties that stand for data pools."""
        return (*(pool.property for pool in self.mounted), *(pool.property for pool in self.staged))

    @property
    def staged_bytes(self) -> int:
        """Return the size of what is brought into the pod."""
        return sum(pool.bytes for pool in self.staged)


@dataclass(slots=True)
class _Resolution:
    pools: Mapping[str, Pool]
    """By name."""
    claims_of: Mapping[str, Sequence[str]]
    pools_of: Mapping[str, Sequence[Pool]]
    """By the ids that inputs may give them."""
    mounted: dict[str, MountedPool] = field(default_factory=dict)
    staged: dict[str, UsedPool] = field(default_factory=dict)

    def add(self, name: str, pool: Pool, *, read_only: bool) -> PlanProblem | None:
        """Add a DataPool; return why it cannot be used yet."""
        if not pool.is_on_claim:
            self.staged[name] = UsedPool(
                property=name,
                name=pool.metadata.name,
                uid=pool.metadata.uid,
                index=pool.status.index,
                files=pool.status.files or 0,
                bytes=pool.status.bytes or 0,
                writable=None if read_only else True,
            )
            return None
        if pool.status.claim is None:
            detail = f'The DataPool "{pool.metadata.name}" is on a volume, and it has no claim yet.'
            return PlanProblem(Reason.DATA_POOL_UNAVAILABLE, detail, waiting=True)
        self.mounted[name] = MountedPool(name, pool.status.claim, None, read_only=read_only)
        return None


def shown_id(spec: ExecutionSpec, reference: DataPoolReference) -> str:
    """Return the id of an input's data pool for a message: who may read an execution need not be allowed to read the
    ConfigMap that its input comes from.
    """
    return "<the id in the input>" if spec.input_from is not None else reference.id


def resolve(
    spec: ExecutionSpec,
    references: Mapping[str, DataPoolReference],
    known: KnownPools,
    *,
    stage_limit: int = DEFAULT_STAGE_LIMIT,
) -> PlannedPools | PlanProblem:
    """Return how the data pools of a spec and its input come into the pod; ``stage_limit`` in bytes for all of them."""
    found = _Resolution(
        {pool.metadata.name: pool for pool in known.pools},
        _claims_by_id(known.claims),
        _pools_by_id(known.pools),
        staged={pool.property: pool for pool in known.used},
    )
    for name, pool in (spec.data_pools or {}).items():
        if name not in found.staged and (problem := _of_spec(found, name, pool)) is not None:
            return problem
    for name, reference in references.items():
        if name in found.mounted or name in found.staged:
            continue
        if (problem := _of_input(found, spec, name, reference)) is not None:
            return problem
    planned = PlannedPools(
        tuple(found.mounted[name] for name in sorted(found.mounted)),
        tuple(found.staged[name] for name in sorted(found.staged)),
    )
    return _written_twice(planned) or _too_much(planned, stage_limit) or planned


def _of_spec(found: _Resolution, name: str, pool: DataPool) -> PlanProblem | None:
    path = f'spec.dataPools["{name}"]'
    if pool.persistent_volume_claim is not None:
        claim = pool.persistent_volume_claim.claim_name
        found.mounted[name] = MountedPool(name, claim, pool.sub_path, pool.read_only)
        return None
    if pool.data_pool_ref is None:
        detail = f"{path}: give either persistentVolumeClaim or dataPoolRef."
        return PlanProblem(Reason.INVALID_SPEC, detail)
    asked = pool.data_pool_ref.name
    named = found.pools.get(asked)
    if named is None:
        detail = f'Create the DataPool "{asked}" or correct {path}.dataPoolRef.name.'
        return PlanProblem(Reason.DATA_POOL_NOT_FOUND, detail, waiting=True)
    return found.add(name, named, read_only=pool.read_only)


def _of_input(
    found: _Resolution, spec: ExecutionSpec, name: str, reference: DataPoolReference
) -> PlanProblem | None:
    shown = shown_id(spec, reference)
    claims = sorted(found.claims_of.get(reference.id, ()))
    pools = sorted(found.pools_of.get(reference.id, ()), key=_name)
    if pools and len(pools) + len(claims) > 1:
        named = ", ".join(
            [*(f"DataPool {_name(one)}" for one in pools), *(f"claim {one}" for one in claims)][:_LISTED]
        )
        detail = f'The id "{shown}" of the property "{name}" stands for {named}: let it stand for one.'
        return PlanProblem(Reason.DATA_POOL_AMBIGUOUS, detail)
    if pools:
        return found.add(name, pools[0], read_only=True)
    if not claims:
        detail = (
            f'The input\'s property "{name}" names the data pool "{shown}": label a '
            f"PersistentVolumeClaim of this namespace {LABEL_DATA_POOL_ID}={shown}, or name one in "
            f"spec.dataPools."
        )
        return PlanProblem(Reason.DATA_POOL_NOT_FOUND, detail, waiting=True)
    if len(claims) > 1:
        detail = f'Several claims carry the label of the data pool "{shown}": {", ".join(claims)}.'
        return PlanProblem(Reason.INVALID_SPEC, detail)
    found.mounted[name] = MountedPool(name, claims[0], None, read_only=True)
    return None


def _claims_by_id(claims: Iterable[ClaimView]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for claim in claims:
        found.setdefault(claim.metadata.labels.get(LABEL_DATA_POOL_ID, ""), []).append(claim.metadata.name)
    return found


def _pools_by_id(pools: Iterable[Pool]) -> dict[str, list[Pool]]:
    """Return the DataPools by what names them in an input: the uid does, and the label."""
    found: dict[str, list[Pool]] = {}
    for pool in pools:
        uid = pool.metadata.uid
        for identifier in {uid, pool.metadata.labels.get(LABEL_DATA_POOL_ID, uid)}:
            found.setdefault(identifier, []).append(pool)
    return found


def _name(pool: Pool) -> str:
    return pool.metadata.name


def _written_twice(planned: PlannedPools) -> PlanProblem | None:
    """Return the problem of a run that would be its own other writer."""
    writers: dict[str, UsedPool] = {}
    for pool in planned.staged:
        if not pool.writable:
            continue
        other = writers.setdefault(pool.uid, pool)
        if other is not pool:
            detail = (
                f'spec.dataPools: "{other.property}" and "{pool.property}" open the DataPool "{pool.name}" for '
                "writing: let one of them read it only."
            )
            return PlanProblem(Reason.INVALID_SPEC, detail)
    return None


def _too_much(planned: PlannedPools, limit: int) -> PlanProblem | None:
    if len(planned.staged) > MOST_STAGED:
        detail = (
            f"{len(planned.staged):,} properties stand for DataPools of the results store, the most is {MOST_STAGED}: "
            "put files that belong together into one."
        )
        return PlanProblem(Reason.INVALID_INPUT, detail)
    if planned.staged_bytes <= limit:
        return None
    detail = (
        f"{planned.staged_bytes:,} bytes would be brought into the pod, and at most {format_quantity(limit)} are "
        "(executions.stageLimit of the chart): use a DataPool on a volume, which is mounted without a copy."
    )
    return PlanProblem(Reason.DATA_POOL_TOO_LARGE, detail)
