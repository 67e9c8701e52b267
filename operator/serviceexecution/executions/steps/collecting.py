"""An execution whose program has ended, or whose pod or Job is gone: what it left is kept, then it ends."""

from typing import Final

from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision, current_phase, end, finish, pod_reference, say
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.steps.running import going
from serviceexecution.resources.executions.execution_status import Phase
from serviceexecution.resources.pods.observed import JobView, PodView, TerminatedView
from serviceexecution.resources.pods.pod_end import started_at
from serviceexecution.store.storage.answers import NOTICE, away_sentence

COLLECT_NOTICE: Final = 5.0
"""Seconds after which status says that output is still being collected; most runs are faster."""

COMMIT_GRACE: Final = 5.0
"""Seconds that a commit may take to appear in the store after the collector has ended."""

LEAST_COLLECT_TIME: Final = 5.0
"""Seconds in which output and log are looked for at least, however short collectTimeout is."""


def collect(seen: Observation, pod: PodView) -> Decision:
    """Main has ended, or the pod without saying how: wait until output and log are kept, but not for ever."""
    before = seen.status
    main = pod.main.terminated
    seen = seen.with_status(pod=pod_reference(pod), start_time=started_at(pod) or before.start_time)
    if seen.status.start_time is None:
        return end(seen, main)
    waiting_for_result = seen.manifest is None and not _collector_gave_up(seen, pod)
    if not (waiting_for_result or seen.log is None) or _out_of_time(seen):
        return end(seen, main)
    if main is not None and before.phase is not None and _has_just_ended(seen, pod):
        # Most runs are collected by then: the end is one write.
        return Decision(before, follow_log=seen.status.pod, wake_after=1)
    if main is not None:
        seen = seen.with_status(exit_code=main.exit_code)
    return _still_collecting(seen, wake=5)


def pod_gone(seen: Observation, job: JobView) -> Decision:
    """Decide about a Job whose pod is gone, or never came and will not."""
    if _log_pending(seen) or (job.complete and seen.results_unknown):
        return _still_collecting(seen)
    return end(seen, TerminatedView(exit_code=0) if job.complete else None)


def job_gone(seen: Observation) -> Decision:
    """Decide about an execution whose recorded Job is gone. It is never created again."""
    pod = seen.pod
    if pod is not None:
        # It is being ended too; what it still writes and prints is kept.
        if (started := started_at(pod)) is not None:
            seen = seen.with_status(pod=pod_reference(pod), start_time=started)
        over = pod.ended or pod.never_ran  # Held by others' finalizers, it may be there for days
        if not over and pod.main.terminated is None:
            return going(seen, pod)
        if not over and seen.manifest is None and not _out_of_time(seen):
            return _still_collecting(seen)
    if _log_pending(seen):
        return _still_collecting(seen)
    if seen.status.stop_requested is not None:
        return end(seen, None)
    if seen.is_going:
        return finish(seen, Phase.CANCELLED, Reason.CANCELLED)  # Its Job was deleted with it
    return finish(seen, Phase.FAILED, Reason.JOB_DELETED)


def _still_collecting(seen: Observation, wake: float = 2) -> Decision:
    left = _time_left(seen)
    return say(
        seen,
        current_phase(seen),
        Reason.COLLECTING,
        _store_is_away(seen),
        follow=True,
        collecting=True,
        wake=wake if left is None else max(1.0, min(wake, left)),
    )


def _store_is_away(seen: Observation) -> str:
    since = seen.store_away_since
    if since is None or seen.age(since) < NOTICE.total_seconds():
        return ""
    return away_sentence(since)


def _has_just_ended(seen: Observation, pod: PodView) -> bool:
    """Tell whether the end is news: nothing has been said of it, and the kubelet wrote it a moment ago."""
    written = pod.metadata.status_written
    if written is None or seen.status.reason == Reason.COLLECTING:
        return False
    main, collector = pod.main.terminated, pod.collector.terminated
    since = 0.0  # From main's end to what was written last
    if main is not None and main.finished_at is not None and collector is not None:
        since = ((collector.finished_at or main.finished_at) - main.finished_at).total_seconds()
    return seen.age(written) + max(0.0, since) < COLLECT_NOTICE


def _collector_gave_up(seen: Observation, pod: PodView) -> bool:
    """Tell whether no commit can come any more: the pod is over, and a commit under way had its time."""
    if seen.results_unknown or not pod.ended:
        return False
    if pod.collector.terminated is None:
        return True
    return seen.age(pod.metadata.status_written or seen.since(Reason.COLLECTING)) > COMMIT_GRACE


def _log_pending(seen: Observation) -> bool:
    ran = seen.status.pod is not None and seen.status.start_time is not None
    return ran and seen.log is None and not _out_of_time(seen)


def _out_of_time(seen: Observation) -> bool:
    left = _time_left(seen)
    return left is not None and left <= 0


def _time_left(seen: Observation) -> float | None:
    """Return for how long output and log are still waited for; None while that does not count.

    It counts from when it was said that they are collected, and only while this controller, the store and the gateway
    were there. While the store does not answer, what is missing may be there.
    """
    if seen.results_unknown or seen.status.reason != Reason.COLLECTING:
        return None
    limit = max(seen.times.collect_timeout, LEAST_COLLECT_TIME)
    return limit - seen.attended(seen.since(Reason.COLLECTING))
