"""What a pod says about one of its containers. Pure."""

import enum

from serviceexecution.resources.pods.observed import PodView


class ContainerState(enum.Enum):
    """The state of the container whose log is followed."""

    RUNNING = "running"
    """Or about to start."""
    ENDED = "ended"
    NEVER_RAN = "never ran"
    """The pod has ended, and no longer says how the container did (e.g. after an eviction)."""
    GONE = "gone"
    """There is no such pod any more."""


def container_state(pod: PodView | None, pod_uid: str, container: str) -> ContainerState:
    """Return the container's state; a pod of another uid is another pod."""
    if pod is None or pod.metadata.uid != pod_uid:
        return ContainerState.GONE
    if pod.state_of(container).terminated is not None:
        return ContainerState.ENDED
    return ContainerState.NEVER_RAN if pod.ended else ContainerState.RUNNING
