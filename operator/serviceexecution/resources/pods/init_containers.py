"""What a pod's init containers say: they run before main, one after the other, and main waits for all of them."""

from serviceexecution.resources.names import STAGE_IN_CONTAINER
from serviceexecution.resources.pods.observed import ContainerView, PodView


def named(container: ContainerView) -> str:
    """Return how a sentence names an init container."""
    return f'The init container "{container.name}"'


def init_progress(pod: PodView) -> str:
    """Return which init container main waits for, in a sentence; empty when it waits for none."""
    for container in pod.status.init_container_statuses:
        if container.state.running is not None and pod.main.waiting is not None:
            return f"{named(container)} is running."
    return ""


def init_failure(pod: PodView, *, of_stage_in: bool = False) -> str | None:
    """Return how an init container failed, with its last words; None when none has.

    ``of_stage_in``: the one that brings data pools, otherwise one of the user's.
    """
    for container in pod.status.init_container_statuses:
        end = container.state.terminated
        if end is None or end.exit_code == 0 or (container.name == STAGE_IN_CONTAINER) != of_stage_in:
            continue
        how = f"ended with exit code {end.exit_code}"
        if end.reason == "OOMKilled":
            how = "used more memory than its limit and was killed"
        elif end.reason not in {"Error", ""}:
            how = f"could not run ({end.reason})"
        words = end.message.strip()
        return f"{named(container)} {how}" + (f": {words}" if words else ".")
    return None
