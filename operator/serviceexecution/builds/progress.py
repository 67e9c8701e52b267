"""How the build of one revision goes on, from Pending to its end: the truth table. Pure.

Everything is derived from what is seen, so that a controller that was killed at any moment decides the same after
its restart.
"""

from datetime import datetime
from typing import Final

from serviceexecution.builds.ending import cancelled, changed, ended, finish, judged, report_of, stopped
from serviceexecution.builds.observation import BuildObservation
from serviceexecution.builds.outcome import FollowedBuild, Step
from serviceexecution.builds.reasons import BuildReason, sentence
from serviceexecution.contract.durations import DurationError, format_duration, parse_duration
from serviceexecution.resources.executions.execution_status import JobReference
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_end import is_told_to_end
from serviceexecution.resources.pods.pod_start import StartProblem, patience, scheduled_since, start_problem
from serviceexecution.resources.services.definition_status import Revision, RevisionPhase

STOP_GRACE: Final = 60.0
"""Seconds in which a pod that was told to end must have ended; its node may be gone."""
SOURCE_POLL: Final = 2.0
SOURCE_POLL_LATER: Final = 30.0
SOURCE_POLLED_CLOSELY: Final = 60.0
"""Seconds in which an upload that is under way is noticed at once."""
QUEUED_RECHECK: Final = 60.0
"""Seconds; whatever makes room wakes the next ones at once."""


def progress(seen: BuildObservation, revision: Revision) -> Step:
    """Return what becomes of a revision that waits or is being built."""
    if revision.phase is RevisionPhase.PENDING:
        return _pending(seen, revision)
    job = seen.job_of(revision)
    if job is None:
        return _without_job(seen, revision)
    revision = changed(revision, job=JobReference(name=job.metadata.name, uid=job.metadata.uid))
    pod = seen.pods.get(job.metadata.uid)
    if pod is None:
        return _without_pod(seen, revision, job)
    if pod.main.terminated is not None or pod.ended:
        return ended(seen, revision, pod)
    if pod.main.running is not None:
        return _running(seen, revision, pod)
    if _is_cancelled(seen, revision):
        return cancelled(seen, revision)
    problem = start_problem(pod, seen.limits) or seen.mount_problem
    return _start_or_fail(seen, revision, problem, seen.age(scheduled_since(pod)))


def timeout_of(seen: BuildObservation) -> float:
    """Return how many seconds a build may take."""
    build = seen.definition.spec.build
    default = seen.settings.timeout if seen.settings is not None else 0.0
    if build is None or build.timeout is None:
        return default
    try:
        return parse_duration(build.timeout, field="spec.build.timeout")
    except DurationError:
        return default  # Nothing is built from a spec that says so: see ``build_problem``


def _pending(seen: BuildObservation, revision: Revision) -> Step:
    if _is_cancelled(seen, revision):
        return cancelled(seen, revision)
    if revision.next_attempt_time is not None:
        left = -seen.age(revision.next_attempt_time)
        if left > 0:
            return Step(revision, wake_after=left)
    if seen.builder is None:
        return finish(
            seen, revision, BuildReason.NO_BUILDER, sentence(BuildReason.NO_BUILDER, seen.no_builder)
        )
    if seen.source_missing:
        age = seen.age(revision.start_time or seen.now)
        wake = SOURCE_POLL if age < SOURCE_POLLED_CLOSELY else SOURCE_POLL_LATER
        return Step(_said(revision, RevisionPhase.PENDING, BuildReason.SOURCE_MISSING), wake_after=wake)
    if seen.before is not None:
        return Step(_said(revision, RevisionPhase.PENDING, BuildReason.QUEUED), wake_after=QUEUED_RECHECK)
    # Said before the Job is made: what is said holds the place among the builds, also after a restart.
    begun = _said(revision, RevisionPhase.BUILDING, BuildReason.STARTING)
    begun = changed(
        begun,
        attempts=revision.attempts + 1,
        attempt_time=seen.now,
        next_attempt_time=None,
        builder=seen.builder.value,
        job=None,
        build_time=None,
        program_end_time=None,
        stop_time=None,
    )
    return Step(begun, create=True)


def _without_job(seen: BuildObservation, revision: Revision) -> Step:
    if revision.job is not None:  # a recorded Job that is gone is never created again
        if report_of(seen, revision) is not None:
            return judged(seen, revision, None)
        return judged(seen, revision, None, detail="Its Job was deleted.")
    if _is_cancelled(seen, revision):
        return cancelled(seen, revision)
    if seen.refused is None:
        return Step(revision, create=True)
    return _start_or_fail(seen, revision, seen.refused, seen.age(revision.attempt_time or seen.now))


def _without_pod(seen: BuildObservation, revision: Revision, job: JobView) -> Step:
    if revision.build_time is not None or job.failed is not None or job.complete:
        return judged(seen, revision, None)
    if _is_cancelled(seen, revision):
        return cancelled(seen, revision)
    since = job.status.start_time or job.metadata.creation_timestamp
    return _start_or_fail(seen, revision, seen.creation_problem, seen.age(since))


def _start_or_fail(
    seen: BuildObservation, revision: Revision, problem: StartProblem | None, age: float
) -> Step:
    wait = patience(
        problem,
        age,
        seen.limits,
        seen.limits.start_timeout,
        said=revision.reason,
        age_of=lambda reason: _age_of(seen, revision, reason, age),
    )
    if problem is None or wait.fault is None:
        if wait.left <= 0:
            reason = BuildReason.START_TIMEOUT
            return finish(seen, revision, reason, sentence(reason, seen.warning))
        begun = _said(revision, RevisionPhase.BUILDING, BuildReason.STARTING)
        return Step(begun, wake_after=wait.look_again)
    reason = BuildReason(wait.fault.value)
    message = sentence(reason, problem.detail)
    same_cause = revision.reason == reason and bool(revision.message)
    if same_cause and (wait.left > 0 or wait.fault is not problem.reason):
        message = revision.message or message  # It is worded differently from try to try
    if wait.left <= 0:
        return finish(seen, revision, reason, message)
    said = changed(revision, phase=RevisionPhase.BUILDING, reason=reason.value, message=message)
    return Step(said, wake_after=min(wait.left, 5) if seen.refused is not None else wait.look_again)


def _age_of(seen: BuildObservation, revision: Revision, reason: str, age: float) -> float:
    """Return for how many seconds ``reason`` has been said; ``age`` is that of the start that it holds up."""
    if revision.reason != reason:
        return 0
    return (
        age if revision.since is None else seen.age(revision.since)
    )  # An older version did not say since when


def _running(seen: BuildObservation, revision: Revision, pod: PodView) -> Step:
    assert pod.main.running is not None  # noqa: S101 - for the type checker
    started_at = pod.main.running.started_at
    revision = changed(revision, build_time=started_at)
    if revision.stop_time is not None:
        return _stopping(seen, revision, pod)
    if _is_cancelled(seen, revision):
        return _stopping(seen, _to_stop(seen, revision, BuildReason.CANCELLED), pod)
    timeout = timeout_of(seen)
    left = timeout - _ran(seen, revision, started_at)
    if left <= 0:
        detail = f"Its timeout is {format_duration(timeout)}: raise spec.build.timeout if it needs longer."
        return _stopping(seen, _to_stop(seen, revision, BuildReason.TIMEOUT, detail), pod)
    return Step(
        _said(revision, RevisionPhase.BUILDING, BuildReason.BUILDING),
        follow=FollowedBuild(revision.name, revision.attempts, pod),
        wake_after=left,
    )


def _ran(seen: BuildObservation, revision: Revision, started_at: datetime) -> float:
    """Return how many seconds the build has run, by our clock: that of its node may be off by any time."""
    if revision.reason != BuildReason.BUILDING:
        return 0
    return seen.age(started_at if revision.since is None else revision.since)


def _to_stop(seen: BuildObservation, revision: Revision, reason: BuildReason, detail: str = "") -> Revision:
    """Say why the build is ended before it is: its end is judged by this."""
    return changed(
        revision,
        phase=RevisionPhase.BUILDING,
        reason=reason.value,
        message=sentence(reason, detail),
        stop_time=seen.now,
    )


def _stopping(seen: BuildObservation, revision: Revision, pod: PodView) -> Step:
    if seen.age(revision.stop_time or seen.now) >= STOP_GRACE:
        return stopped(seen, revision)
    stop = None if is_told_to_end(pod) else pod
    follow = FollowedBuild(revision.name, revision.attempts, pod)
    return Step(revision, follow=follow, stop=stop, wake_after=5)


def _said(revision: Revision, phase: RevisionPhase, reason: BuildReason) -> Revision:
    return changed(revision, phase=phase, reason=reason.value, message=sentence(reason))


def _is_cancelled(seen: BuildObservation, revision: Revision) -> bool:
    build = seen.definition.spec.build
    return build is not None and build.cancel == revision.name
