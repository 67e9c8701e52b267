"""What is done about the pod that serves a data pool's volume, and what is said of it. Pure."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from serviceexecution.contract.json_types import JsonObject, text_at
from serviceexecution.contract.volume_pods import WISH_SECONDS
from serviceexecution.controller.data_pools.decide import Said
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_start import StartLimits, start_problem, volume_in_use
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.resources.pools.pool_status import PoolAccess

WATCHED_SECONDS: Final = 15.0
"""How often a pod that runs is looked at."""
STARTING_SECONDS: Final = 1.0
"""How often a pod that starts is looked at."""
_LONGEST_MESSAGE: Final = 1000


class Step(Enum):
    """What is to be done next."""

    REST = auto()
    """Nobody wants the files."""
    START = auto()
    WAIT = auto()
    """The pod is on its way."""
    SERVE = auto()
    """The pod runs."""
    CLEAR = auto()
    """The pod has ended, or is wanted no more before it has started: its Job goes."""


_STARTING: Final = Said("Starting", "The pod that serves the volume is being started.", ready=False)


@dataclass(frozen=True, slots=True)
class SeenPod:
    """The pod as it is: where it can be called, or why it cannot."""

    address: str | None = None
    said: Said = _STARTING


def is_wanted(access: PoolAccess, now: datetime) -> bool:
    """Tell whether somebody wants the files now; a wish from the future counts for as long as one of now."""
    wanted = access.wanted_at
    return wanted is not None and abs((now - wanted).total_seconds()) <= WISH_SECONDS


def next_step(access: PoolAccess, job: JobView | None, seen: SeenPod, now: datetime) -> Step:
    """Return what is to be done; ``job`` is the recorded one if it still runs."""
    if access.job is None:
        return Step.START if is_wanted(access, now) else Step.REST
    if job is None:
        return Step.CLEAR
    if seen.address is not None:
        return Step.SERVE
    return Step.WAIT if is_wanted(access, now) else Step.CLEAR


def own_job(pool: Pool, access: PoolAccess, body: JsonObject | None) -> JobView | None:
    """Return the Job of that name if it is the recorded one, the data pool's own, and has not ended."""
    if body is None:
        return None
    job = JobView.model_validate(body)
    if job.metadata.uid != access.job_uid or not job.metadata.controlled_by(pool.metadata.uid):
        return None
    return None if job.complete or job.failed is not None or job.is_going else job


def own_pod(job: JobView, bodies: list[JsonObject]) -> tuple[PodView, JsonObject] | None:
    """Return the Job's pod: the oldest that belongs to it, since others may be made to look like it later."""
    pods = [(PodView.model_validate(body), body) for body in bodies]
    own = [
        (pod, body)
        for pod, body in pods
        if pod.metadata.namespace == job.metadata.namespace and pod.metadata.controlled_by(job.metadata.uid)
    ]
    return min(own, key=lambda one: (one[0].metadata.creation_timestamp, one[0].metadata.uid), default=None)


def seen_pod(pod: PodView, body: JsonObject) -> SeenPod:
    """Return what is seen of a pod by itself."""
    if pod.main.running is not None and not pod.is_going:
        address = pod_address(text_at(body, "status", "podIP"))
        if address is not None:
            return SeenPod(address, Said("Reachable", "A pod serves the volume."))
    problem = start_problem(pod, StartLimits())
    if problem is None:
        return SeenPod()
    return SeenPod(said=said_of_wait(problem.reason.value, problem.detail))


def said_of_wait(reason: str, text: str) -> Said:
    """Return what is said of a pod that does not start; ``text`` is what Kubernetes says of it."""
    shown = text[:_LONGEST_MESSAGE]
    if sentence := volume_in_use(shown):
        return Said("VolumeInUse", sentence, ready=False)
    if "ReadWriteOncePod" in shown:
        return Said(
            "VolumeInUse", f"It waits for a volume that one pod alone may use at a time: {shown}", ready=False
        )
    return Said(reason, f"The pod that serves the volume does not start: {shown}", ready=False)


def pod_address(text: str) -> str | None:
    """Return the address of a pod in its shortest form, None for what is no address that a pod of ours can have."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    odd = address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
    return None if odd else str(address)
