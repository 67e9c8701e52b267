"""How the build of a revision ends, and what is said of it then. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from serviceexecution.builds.observation import BuildObservation
from serviceexecution.builds.outcome import FollowedBuild, Step
from serviceexecution.builds.reasons import RETRIED, BuildReason, sentence
from serviceexecution.builds.revisions import repository_of
from serviceexecution.builds.verdict import BuildVerdict, judge, kept_schema
from serviceexecution.contract.durations import format_duration
from serviceexecution.resources.executions.execution_status import Log
from serviceexecution.resources.pods.observed import PodView
from serviceexecution.resources.services.definition_status import Revision, RevisionPhase
from serviceexecution.store.kept_logs import log_of
from serviceexecution.store.records import BuildReport

ATTEMPTS: Final = 3
RETRY_SECONDS: Final = (10.0, 60.0)
"""Pauses before the second and the third attempt."""
LOG_GRACE: Final = 60.0
"""Seconds after the end of a build was seen in which the end of its log must have come."""
LOG_LOST: Final = " Its log could not be kept."


def ended(seen: BuildObservation, revision: Revision, pod: PodView) -> Step:
    """The build has ended, or its pod without saying how: wait for the end of its log, but not for ever."""
    main = pod.main.terminated
    if main is not None and main.started_at is not None:
        revision = changed(revision, build_time=main.started_at)
    if revision.build_time is not None:
        # Not when the node says that it ended: its clock may be off by any time.
        revision = changed(revision, program_end_time=revision.program_end_time or seen.now)
        age = seen.age(revision.program_end_time or seen.now)
        if age < LOG_GRACE and seen.log_of(revision) is None:
            follow = FollowedBuild(revision.name, revision.attempts, pod)
            return Step(revision, follow=follow, wake_after=min(2.0, LOG_GRACE - age))
    return judged(seen, revision, pod)


def judged(seen: BuildObservation, revision: Revision, pod: PodView | None, detail: str = "") -> Step:
    """Return what follows from the build's report, or else from how its pod ended."""
    end = pod.main.terminated if pod is not None else None
    verdict = judge(report_of(seen, revision), pod, end)
    if detail and verdict.reason is BuildReason.POD_LOST:
        verdict = BuildVerdict(verdict.reason, sentence(verdict.reason, detail))
    revision = changed(revision, log=log_of(seen.log_of(revision)))
    if revision.stop_time is not None:
        return stopped(seen, revision)
    if verdict.reason is BuildReason.SUCCEEDED:
        return _succeeded(seen, revision, verdict)
    if verdict.reason in RETRIED and revision.attempts < ATTEMPTS:
        return _again(seen, revision, verdict)
    return finish(seen, _reported(seen, revision), verdict.reason, verdict.message, step=verdict.step)


def _succeeded(seen: BuildObservation, revision: Revision, verdict: BuildVerdict) -> Step:
    report = report_of(seen, revision)
    if report is None or seen.settings is None:
        return Step(revision)
    repository = repository_of(seen.definition, seen.settings.registry.address)
    revision = changed(
        _reported(seen, revision),
        image=f"{repository}@{report.image_digest}",
        image_digest=report.image_digest,
        image_bytes=report.image_bytes,
        input_schema=kept_schema(report.input_schema),
        output_schema=kept_schema(report.output_schema),
    )
    return finish(seen, revision, verdict.reason, verdict.message, phase=RevisionPhase.SUCCEEDED)


def _reported(seen: BuildObservation, revision: Revision) -> Revision:
    """Return the revision with what was built, which is said of failures too."""
    report = report_of(seen, revision)
    if report is None:
        return revision
    return changed(
        revision,
        source_digest=report.source_digest or revision.source_digest,
        commit=report.commit or None,
    )


def _again(seen: BuildObservation, revision: Revision, verdict: BuildVerdict) -> Step:
    pause = RETRY_SECONDS[min(revision.attempts, len(RETRY_SECONDS)) - 1]
    more = (
        f" It is tried again in {format_duration(pause)}, as attempt {revision.attempts + 1} of {ATTEMPTS}."
    )
    waiting = changed(
        revision,
        phase=RevisionPhase.PENDING,
        reason=verdict.reason.value,
        message=verdict.message + more,
        next_attempt_time=seen.now + timedelta(seconds=pause),
        job=None,
        build_time=None,
        program_end_time=None,
        attempt_time=None,
    )
    return Step(waiting, wake_after=pause)


def cancelled(seen: BuildObservation, revision: Revision) -> Step:
    """End a build that was cancelled before it began."""
    reason = BuildReason.CANCELLED
    return finish(seen, revision, reason, sentence(reason), phase=RevisionPhase.CANCELLED)


def stopped(seen: BuildObservation, revision: Revision) -> Step:
    """End a build that was told to end, as it was said then."""
    reason = BuildReason(revision.reason or BuildReason.CANCELLED)
    phase = RevisionPhase.CANCELLED if reason is BuildReason.CANCELLED else RevisionPhase.FAILED
    return finish(seen, revision, reason, revision.message or sentence(reason), phase=phase)


def finish(
    seen: BuildObservation,
    revision: Revision,
    reason: BuildReason,
    message: str,
    *,
    phase: RevisionPhase = RevisionPhase.FAILED,
    step: str | None = None,
) -> Step:
    """End the build now, and say so where a build that ran leaves no log."""
    if revision.build_time is not None and revision.log is None:
        message += LOG_LOST
    ended = {"phase": phase, "reason": reason.value, "message": message, "step": step}
    return Step(changed(revision, **ended, completion_time=seen.now, next_attempt_time=None))


def with_log(revision: Revision, log: Log | None) -> Revision:
    """Return an ended revision whose log was kept after its end."""
    message = (revision.message or "").removesuffix(LOG_LOST) or None
    return changed(revision, log=log, message=message)


def changed(revision: Revision, **members: object) -> Revision:
    """Return the revision with other members."""
    changes: Mapping[str, object] = members
    return revision.model_copy(update=changes)


def report_of(seen: BuildObservation, revision: Revision) -> BuildReport | None:
    """Return the report of the revision's current attempt; one of an earlier attempt says nothing."""
    report, job = seen.report, revision.job
    return report if report is not None and job is not None and report.job_uid == job.uid else None
