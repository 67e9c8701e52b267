"""An execution whose program runs, or is being stopped, or runs on a node from which nothing is heard."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from serviceexecution.contract.durations import format_duration
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import (
    Decision,
    current_phase,
    finish,
    pod_reference,
    say,
    stop_recorded,
)
from serviceexecution.executions.reasons import Reason
from serviceexecution.executions.render.pod import COLLECT_GRACE
from serviceexecution.resources.executions.execution_status import Phase, StopReason
from serviceexecution.resources.pods.observed import PodView
from serviceexecution.resources.pods.pod_end import is_told_to_end

UNCONFIRMED_END: Final = 300.0
"""Seconds for which the end of a pod is waited for after it was due. A kubelet that lives reports it at once."""

STOPPING_RECHECK: Final = 5.0


def running(seen: Observation, pod: PodView, started_at: datetime) -> Decision:
    """Decide about a program that runs, as far as is known."""
    seen = seen.with_status(start_time=started_at, pod=pod_reference(pod))
    if (overdue := _seconds_overdue(seen, pod)) is not None and overdue >= UNCONFIRMED_END:
        return lost(seen, pod)
    if seen.status.stop_requested is not None:
        return _stopping(seen, pod)
    if seen.execution.spec.cancel:
        return _stopping(stop_recorded(seen, StopReason.CANCELLED), pod)
    looks = [] if overdue is None else [UNCONFIRMED_END - overdue]
    if seen.times.timeout is not None:
        left = seen.times.timeout - seen.age(_seen_running(seen, pod))
        if left <= 0:
            return _stopping(stop_recorded(seen, StopReason.TIMEOUT), pod)
        looks.append(left)
    wake = min(looks, default=None)
    return say(seen, Phase.RUNNING, Reason.RUNNING, _node_says(pod), follow=True, wake=wake)


def going(seen: Observation, pod: PodView) -> Decision:
    """Decide about a pod that has not ended and whose Job is gone: Kubernetes ends it."""
    if (overdue := _seconds_overdue(seen, pod)) is not None and overdue >= UNCONFIRMED_END:
        return lost(seen, pod)
    follow = pod.main.running is not None
    return say(seen, current_phase(seen), Reason.STOPPING, _node_says(pod), follow=follow, wake=_pause(seen))


def lost(seen: Observation, pod: PodView) -> Decision:
    """End an execution whose pod was to be gone long ago, of which its node says nothing."""
    node = f' "{pod.spec.node_name}"' if pod.spec.node_name else ""
    asked = seen.status.stop_requested
    why = "was deleted" if asked is None else f"was told to end ({asked.reason.value})"
    detail = (
        f"The pod {why}, and {format_duration(UNCONFIRMED_END)} after its end was due its node{node} has not "
        "confirmed it: the program may still run there."
    )
    return finish(seen, Phase.FAILED, Reason.POD_LOST, detail, for_good=True)


def _stopping(seen: Observation, pod: PodView) -> Decision:
    said = _node_says(pod)
    decision = say(seen, Phase.RUNNING, Reason.STOPPING, said, follow=True, wake=_pause(seen))
    return replace(decision, stop_pod=not is_told_to_end(pod))


def _node_says(pod: PodView) -> str:
    """Return what there is to say of a pod's node: nothing while it is heard of."""
    since = pod.node_silent_since
    if since is None:
        return ""
    moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'Its node "{pod.spec.node_name}" has not been ready since {moment}, so that what is said here may be '
        "out of date."
    )


def _pause(seen: Observation) -> float:
    """Return after how many seconds to look again at a pod that is to end: its end is told by the watch."""
    return max(2.0, min(seen.age(seen.since(Reason.STOPPING)) / 4, 30.0))


def _seen_running(seen: Observation, pod: PodView) -> datetime:
    """Return when the program ran for certain, on the API server's clock: its real start was before.

    Its node's clock may be off by any time. When the kubelet wrote that it runs, it ran.
    """
    first = seen.since(Reason.RUNNING)
    written = pod.metadata.status_written
    return first if written is None else min(first, written + timedelta(seconds=1))


def _seconds_overdue(seen: Observation, pod: PodView) -> float | None:
    """Return for how long the pod should have ended, negative before that; None when it may run on."""
    due: list[datetime] = []
    if pod.metadata.deletion_timestamp is not None:  # It has the pod's grace in it
        due.append(pod.metadata.deletion_timestamp)
    if is_told_to_end(pod) or seen.status.reason == Reason.STOPPING:
        own = pod.spec.termination_grace_period_seconds
        grace = seen.times.cancel_grace + COLLECT_GRACE if own is None else own
        due.append(seen.attendance.begin(seen.since(Reason.STOPPING)) + timedelta(seconds=grace))
    if not due:
        return None
    # After an outage a node has to find the API server again.
    return min(seen.age(seen.attendance.begin(one)) for one in due)
