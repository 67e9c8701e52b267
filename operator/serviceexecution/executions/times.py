"""When the steps of an attempt were over, and which image ran. Pure."""

from datetime import datetime
from typing import Final

from serviceexecution.executions.observation import Observation
from serviceexecution.resources.executions.execution_usage import Times
from serviceexecution.resources.pods.observed import PodView, TerminatedView
from serviceexecution.resources.pods.pod_end import started_at

_LONGEST_IMAGE: Final = 1024


def with_times(seen: Observation, main: TerminatedView | None) -> Observation:
    """Return the observation with the times and the image in the status, as far as Job and pod are still there."""
    pod, job = seen.pod, seen.job
    if pod is None:
        return seen
    times = Times(
        admitted=None if job is None else job.status.start_time or job.metadata.creation_timestamp,
        scheduled=_true_since(pod, "PodScheduled"),
        prepared=_true_since(pod, "PodReadyToStartContainers"),
        started=started_at(pod),
        ended=None if main is None else main.finished_at,
    )
    image = None if started_at(pod) is None or pod.image is None else pod.image[:_LONGEST_IMAGE]
    return seen.with_status(times=times, image=image or seen.status.image)


def _true_since(pod: PodView, condition: str) -> datetime | None:
    found = pod.condition(condition)
    return None if found is None or found.status != "True" else found.last_transition_time
