"""Why a run ended whose program was never seen to start. Pure."""

from typing import Final

from serviceexecution.executions.pools.staging import NO_ROOM_EXIT, NOT_AVAILABLE_EXIT, stage_in_state
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.meaning import one_line
from serviceexecution.resources.pods.init_containers import init_failure
from serviceexecution.resources.pods.observed import PodView, TerminatedView
from serviceexecution.resources.pods.pod_end import UNKNOWN_END

_MOST_WORDS: Final = 600
_UNSEEN: Final = "It was not seen to start."
NOTHING_RAN: Final = "Nothing has run, so it can be submitted again."


def unstarted_end(pod: PodView | None, end: TerminatedView | None) -> tuple[Reason, str] | None:
    """Return reason and detail of an end without a start; None when the end itself says how the program ended.

    ``pod`` is None when it was gone before anybody looked.
    """
    if end is not None and end.reason != UNKNOWN_END:
        return None
    if pod is None:
        return Reason.POD_LOST, _UNSEEN
    if pod.status.reason == "DeadlineExceeded":
        return Reason.START_TIMEOUT, pod.status.message
    if (staging := _staging_failure(pod)) is not None:
        return staging
    if (failed := init_failure(pod)) is not None:
        return Reason.INIT_CONTAINER_FAILED, failed
    if pod.main_was_made:  # It may have run between two looks
        evicted = pod.status.reason == "Evicted"
        return Reason.EVICTED if evicted else Reason.POD_LOST, f"{pod.status.message} {_UNSEEN}".strip()
    if pod.status.reason == "Evicted":
        return Reason.EVICTED, f"{pod.status.message} {NOTHING_RAN}"
    disrupted = pod.condition("DisruptionTarget")
    if disrupted is not None and disrupted.status == "True":
        return Reason.NOT_STARTED, f"{disrupted.message} {NOTHING_RAN}"
    if (failed := init_failure(pod, of_stage_in=True)) is not None:
        return Reason.DATA_POOL_UNAVAILABLE, failed
    if pod.status.reason and not pod.status.container_statuses:
        return Reason.NODE_REFUSED, f"{pod.status.reason}: {pod.status.message} {NOTHING_RAN}"
    return Reason.NOT_STARTED, f"{pod.status.message} {NOTHING_RAN}"


def _staging_failure(pod: PodView) -> tuple[Reason, str] | None:
    """Return why data pools could not be brought into the pod; None when that is not why it ended."""
    container = stage_in_state(pod)
    end = None if container is None else container.state.terminated
    if end is None or end.exit_code not in {NOT_AVAILABLE_EXIT, NO_ROOM_EXIT}:
        return None
    reason = Reason.DATA_POOL_TOO_LARGE if end.exit_code == NO_ROOM_EXIT else Reason.DATA_POOL_UNAVAILABLE
    return reason, one_line(end.message.strip(), _MOST_WORDS)
