"""What a pod says about one of its containers. Pure."""

import enum

from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at, object_of, objects_of


class ContainerState(enum.Enum):
    """The state of the container whose log is followed."""

    RUNNING = "running"
    """Or about to start."""
    ENDED = "ended"
    NEVER_RAN = "never ran"
    """The pod has ended, and no longer says how the container did (e.g. after an eviction)."""
    GONE = "gone"
    """There is no such pod any more."""


def container_state(pod: JsonObject | None, pod_uid: str, container: str) -> ContainerState:
    """Return the container's state; a pod of another uid is another pod."""
    if pod is None or metadata_of(pod).get("uid") != pod_uid:
        return ContainerState.GONE
    status = object_of(pod.get("status"))
    for found in objects_of(status.get("containerStatuses")):
        if found.get("name") == container and "terminated" in object_at(found, "state"):
            return ContainerState.ENDED
    if status.get("phase") in {"Succeeded", "Failed"}:
        return ContainerState.NEVER_RAN
    return ContainerState.RUNNING
