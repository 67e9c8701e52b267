"""Puts a service's status together so that people, kubectl wait and kstatus (helm --wait, Flux) read the same.

A service that is given as an image has only the condition Ready. One that is built also has Built, and the two that
kstatus goes by: Reconciling while something is to be built, Stalled when a person has to act. ``helm --wait`` therefore
waits for the newest build and fails with it, while executions run what was built last.
"""

from datetime import datetime
from typing import Final, NamedTuple

from serviceexecution.builds.observation import BuildObservation
from serviceexecution.builds.reasons import BuildReason, sentence
from serviceexecution.builds.revisions import Wanted, active_of, pin_problem, target_of
from serviceexecution.resources.executions.execution_status import Condition
from serviceexecution.resources.names import CONDITION_READY
from serviceexecution.resources.services.definition_status import (
    Revision,
    RevisionPhase,
    ServiceDefinitionStatus,
    ServicePhase,
)

BUILT: Final = "Built"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"

VALID: Final = "Valid"
INVALID: Final = "Invalid"
REVISION_UNUSABLE: Final = "RevisionUnusable"
_USABLE: Final = "Executions of this service can start."


class _Says(NamedTuple):
    """What a condition says: a reason and a sentence."""

    reason: str
    message: str


def with_conditions(
    seen: BuildObservation, status: ServiceDefinitionStatus, wanted: Wanted | None
) -> ServiceDefinitionStatus:
    """Return the status with its phase and conditions: a transition time moves only when a status flips."""
    unready = _unready(seen, status, wanted)
    truths: dict[str, tuple[bool, _Says]] = {
        CONDITION_READY: (unready is None, unready or _Says(VALID, _USABLE))
    }
    active = active_of(status)
    if seen.definition.is_built:
        said = _built(seen, status, wanted)
        built = said.reason == BuildReason.SUCCEEDED
        truths[BUILT] = (built, said)
        truths[RECONCILING] = (active is not None, said)
        stalled = active is None and (unready is not None or not built)
        truths[STALLED] = (stalled, (unready if built else None) or said)
    phase = ServicePhase.READY
    if unready is not None:
        phase = ServicePhase.BUILDING if unready.reason == BuildReason.BUILDING else ServicePhase.FAILED
    generation = seen.definition.metadata.generation
    before = {one.type: one for one in seen.definition.status.conditions}
    conditions = tuple(
        Condition(
            type=name,
            status="True" if truth else "False",
            reason=says.reason,
            message=says.message if truth or name in {CONDITION_READY, BUILT} else "",
            last_transition_time=_since(before.get(name), seen.now, truth=truth),
            observed_generation=generation,
        )
        for name, (truth, says) in truths.items()
    )
    return status.model_copy(
        update={"observed_generation": generation, "phase": phase, "conditions": conditions}
    )


def _unready(seen: BuildObservation, status: ServiceDefinitionStatus, wanted: Wanted | None) -> _Says | None:
    """Return why executions cannot start, or not as the spec says; None when they can."""
    problem = seen.problem or seen.build_problem
    if problem is not None:
        return _Says(INVALID, problem)
    if not seen.definition.is_built:
        return None
    pinned = pin_problem(status, seen.definition.spec.revision)
    if pinned is not None:
        return _Says(REVISION_UNUSABLE, pinned)
    if status.serving is not None:
        return None
    says = _built(seen, status, wanted)
    active = active_of(status)
    if active is not None:
        # One reason while the first image is built, whatever it waits for: nobody has to act on it yet.
        return _Says(BuildReason.BUILDING, f"The first image is being built. {_named(active)}")
    return says


def _built(seen: BuildObservation, status: ServiceDefinitionStatus, wanted: Wanted | None) -> _Says:
    """Return how far the build of what the spec asks for has come."""
    if seen.build_problem is not None:
        return _Says(INVALID, seen.build_problem)
    if wanted is None:
        return _Says(BuildReason.NO_BUILDER, sentence(BuildReason.NO_BUILDER, _why_nobody_builds(seen)))
    target = target_of(status, wanted)
    if target is None or target.reason is None:
        return _Says(BuildReason.QUEUED, sentence(BuildReason.QUEUED))
    if target.phase is RevisionPhase.SUCCEEDED:
        return _Says(
            BuildReason.SUCCEEDED, f"{target.name}: {target.message or sentence(BuildReason.SUCCEEDED)}"
        )
    return _Says(target.reason, _named(target))


def _named(revision: Revision) -> str:
    return f"{revision.name}: {revision.message or ''}"


def _why_nobody_builds(seen: BuildObservation) -> str:
    namespace = seen.definition.metadata.namespace
    if seen.settings is None:
        return (
            "This installation builds no images: set builds.registry.address, or builds.registry.inCluster.enabled, "
            "in the chart's values."
        )
    return f'Services of the namespace "{namespace}" are not built: add it to builds.namespaces in the chart\'s values.'


def _since(before: Condition | None, now: datetime, *, truth: bool) -> datetime:
    status = "True" if truth else "False"
    return now if before is None or before.status != status else before.last_transition_time
