"""From what is seen of a service and its builds to what should be done and said. Pure."""

from dataclasses import dataclass, replace

from serviceexecution.builds.conditions import with_conditions
from serviceexecution.builds.ending import LOG_GRACE, with_log
from serviceexecution.builds.names import attempt_of
from serviceexecution.builds.observation import BuildObservation
from serviceexecution.builds.outcome import BuildDecision, FollowedBuild, Step, earliest
from serviceexecution.builds.progress import progress
from serviceexecution.builds.revisions import (
    Wanted,
    active_of,
    advanced,
    pruned,
    serving_of,
    target_of,
    wanted_of,
    with_revision,
)
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_end import is_told_to_end
from serviceexecution.resources.services.definition_status import (
    Revision,
    RevisionPhase,
    ServiceDefinitionStatus,
)
from serviceexecution.store.kept_logs import log_of


def wanted_by(seen: BuildObservation) -> Wanted | None:
    """Return what is to be built now; None when nothing is, or nothing can be."""
    if seen.settings is None or seen.build_problem is not None:
        return None
    if not seen.settings.allows(seen.definition.metadata.namespace):
        return None
    return wanted_of(seen.definition, seen.settings, seen.builder)


def decide(seen: BuildObservation) -> BuildDecision:
    """Decide what to do and to say about a service and its builds."""
    definition = seen.definition
    if definition.metadata.deletion_timestamp is not None:
        return BuildDecision(definition.status)  # Its Jobs go with it.
    wanted = wanted_by(seen)
    status = advanced(definition.status, wanted, seen.now)
    step: Step | None = None
    active = active_of(status)
    if active is not None:
        step = progress(seen, active)
        status = with_revision(status, _dated(seen, active, step.revision))
    leftovers = _leftovers(seen, status)
    for revision in leftovers.logged:
        status = with_revision(status, revision)
    status = _served(seen, status, wanted)
    decision = BuildDecision(
        with_conditions(seen, status, wanted),
        create=step.revision if step is not None and step.create else None,
        follow=leftovers.follow,
        stop=leftovers.stop,
        delete=leftovers.delete,
        wake_after=earliest(leftovers.wake_after, step.wake_after if step is not None else None),
    )
    if step is not None and step.follow is not None:
        decision = replace(decision, follow=(step.follow, *decision.follow))
    if step is not None and step.stop is not None:
        decision = replace(decision, stop=(step.stop, *decision.stop))
    return decision


def _served(
    seen: BuildObservation, status: ServiceDefinitionStatus, wanted: Wanted | None
) -> ServiceDefinitionStatus:
    """Return the status with what executions run, and without the revisions that nobody needs."""
    spec = seen.definition.spec
    serving = serving_of(status, wanted, spec.revision) if seen.definition.is_built else None
    image = serving.image if serving is not None else None
    if not seen.definition.is_built and spec.runtime.docker is not None:
        image = spec.runtime.docker.image
    status = status.model_copy(
        update={"revision": serving.name if serving is not None else None, "image": image}
    )
    target = target_of(status, wanted)
    kept = {one.name for one in (serving, target) if one is not None}
    return pruned(status, {*kept, spec.revision or ""})


def _dated(seen: BuildObservation, before: Revision, after: Revision) -> Revision:
    """Return the revision with the time since when its reason is said."""
    if after.reason == before.reason:
        return after
    return after.model_copy(update={"since": seen.now})


@dataclass(frozen=True, slots=True)
class _Leftovers:
    """What is done about Jobs whose attempt is over: their log is kept, then they go."""

    delete: tuple[JobView, ...] = ()
    stop: tuple[PodView, ...] = ()
    follow: tuple[FollowedBuild, ...] = ()
    logged: tuple[Revision, ...] = ()
    """Revisions whose log is known now."""
    wake_after: float | None = None


def _leftovers(seen: BuildObservation, status: ServiceDefinitionStatus) -> _Leftovers:
    found = _Leftovers()
    for job in seen.jobs:
        name, attempt = attempt_of(job.metadata)
        revision = status.find(name)
        if revision is not None and attempt == revision.attempts:
            if revision.phase is RevisionPhase.BUILDING:
                continue
            record = seen.log_of(revision)
            pod = seen.pods.get(job.metadata.uid)
            if record is not None and revision.log is None:
                found = replace(found, logged=(*found.logged, with_log(revision, log_of(record))))
            elif pod is not None and revision.log is None and _has_more_log(seen, revision, pod):
                found = replace(
                    found,
                    stop=(*found.stop, *_to_stop(pod)),
                    follow=(*found.follow, FollowedBuild(revision.name, attempt, pod)),
                    wake_after=2.0,
                )
                continue
        found = replace(found, delete=(*found.delete, job))
    return found


def _has_more_log(seen: BuildObservation, revision: Revision, pod: PodView) -> bool:
    """Tell whether the end of a build's log is still to come: its pod is being stopped, or has just been."""
    main = pod.main
    if main.terminated is None and (main.running is None or pod.ended):
        return False
    if revision.completion_time is None or not revision.phase.terminal:
        return False
    # Both are on our clock; that of the node may be off by any time.
    since = min(revision.program_end_time or revision.completion_time, revision.completion_time)
    return seen.age(since) < LOG_GRACE


def _to_stop(pod: PodView) -> tuple[PodView, ...]:
    if pod.main.running is None or is_told_to_end(pod):
        return ()
    return (pod,)
