"""How a pod is told to end, and what Kubernetes says of containers that ended without a program."""

from datetime import datetime
from typing import Final

from serviceexecution.resources.pods.observed import PodView

STOP_DEADLINE: Final = 1
"""``activeDeadlineSeconds`` of a pod that is to end now: the kubelet counts from the pod's start."""

START_ERRORS: Final = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons of a container that never became a process."""

UNKNOWN_END: Final = "ContainerStatusUnknown"
"""Reason of an end that the kubelet made up because it found no trace of the container."""


def started_at(pod: PodView) -> datetime | None:
    """Return when main became a process, None when it has not, as far as the pod tells."""
    main = pod.main
    if main.running is not None:
        return main.running.started_at
    end = main.terminated
    if end is None or end.reason in START_ERRORS:
        return None
    if end.started_at is not None or end.reason == UNKNOWN_END:
        return end.started_at
    # Virtual kubelets may leave it out; it has ended, and therefore started
    return pod.status.start_time or pod.metadata.creation_timestamp


def is_told_to_end(pod: PodView) -> bool:
    """Tell whether the pod's deadline ends it already."""
    return pod.spec.active_deadline_seconds == STOP_DEADLINE
