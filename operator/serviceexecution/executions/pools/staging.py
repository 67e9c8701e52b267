"""How long data pools may take to come into the pod, and what is said while they do. Pure."""

import json
from typing import Final

from serviceexecution.resources.names import STAGE_IN_CONTAINER
from serviceexecution.resources.pods.observed import ContainerView, PodView

BYTES_PER_SECOND: Final = 4 * 1024**2
"""What a start may take longer for its data pools: no network that is worth to be used is slower."""
NOT_AVAILABLE_EXIT: Final = 4
NO_ROOM_EXIT: Final = 5
PROGRESS_EVENT: Final = "staging data pool"
_UNITS: Final = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def staging_seconds(size: int) -> float:
    """Return how many seconds a start may take longer for ``size`` bytes of data pools."""
    return size / BYTES_PER_SECOND


def stage_in_state(pod: PodView) -> ContainerView | None:
    """Return the init container that brings data pools; None when the pod has none, or nothing is said of it yet."""
    return next((one for one in pod.status.init_container_statuses if one.name == STAGE_IN_CONTAINER), None)


def is_staging(pod: PodView) -> bool:
    """Tell whether data pools are being brought into the pod."""
    container = stage_in_state(pod)
    return container is not None and container.state.running is not None


def progress_sentence(lines: str) -> str:
    """Return how far it has come by the newest line of progress in the container's log; empty when there is none."""
    for line in reversed(lines.splitlines()):
        try:
            facts = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(facts, dict) and facts.get("event") == PROGRESS_EVENT:
            return _sentence(facts)
    return ""


def _sentence(facts: dict[str, object]) -> str:
    pool = facts.get("pool")
    numbers = [facts.get(name) for name in ("files", "ofFiles", "bytes", "ofBytes")]
    files, of_files, size, of_size = (number if isinstance(number, int) else -1 for number in numbers)
    if not isinstance(pool, str) or min(files, of_files, size, of_size) < 0:
        return ""
    divisor, unit = next(((one, name) for one, name in _UNITS if of_size >= 10 * one), (1, "bytes"))
    return (
        f"Staging data pool {pool[:63]}: {files:,} of {of_files:,} files, "
        f"{size // divisor:,} of {of_size // divisor:,} {unit}."
    )
