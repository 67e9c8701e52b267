"""Why a pod has not started its program yet, in the user's terms, and how long that may last."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from serviceexecution.resources.pods.init_containers import named
from serviceexecution.resources.pods.observed import ContainerStateView, PodView


class StartFault(StrEnum):
    """What keeps a pod from starting. Executions and builds both have reasons of these names."""

    UNSCHEDULABLE = "Unschedulable"
    VOLUME_CLAIM_NOT_FOUND = "VolumeClaimNotFound"
    VOLUME_NOT_BOUND = "VolumeNotBound"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105
    SECRET_KEY_NOT_FOUND = "SecretKeyNotFound"  # noqa: S105
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound"
    SERVICE_ACCOUNT_NOT_FOUND = "ServiceAccountNotFound"
    INVALID_IMAGE_NAME = "InvalidImageName"
    IMAGE_NOT_FOUND = "ImageNotFound"
    IMAGE_PULL_FORBIDDEN = "ImagePullForbidden"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    START_FAILED = "StartFailed"
    QUOTA_EXCEEDED = "QuotaExceeded"
    POD_REFUSED = "PodRefused"
    WEBHOOK_FAILED = "WebhookFailed"


@dataclass(frozen=True, slots=True)
class StartLimits:
    """Seconds that a cause may last before the execution fails; spec.startTimeout bounds all of them."""

    missing_reference: float = 60
    image_refused: float = 120
    start_timeout: float = 600


@dataclass(frozen=True, slots=True)
class StartProblem:
    """A cause that keeps the program from starting. ``limit`` in seconds, None for the start timeout."""

    reason: StartFault
    detail: str
    limit: float | None


@dataclass(frozen=True, slots=True)
class StartPatience:
    """How much longer a start is waited for, and why it takes so long."""

    left: float
    """Seconds; when there are none, the start has failed."""
    fault: StartFault | None
    """None when nothing is wrong that is known."""
    look_again: float
    """Seconds; some causes, such as a refused pod or a volume that cannot be mounted, change neither Job nor pod."""


ON_ITS_WAY: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Reasons of a container that waits with nothing in its way."""
_PULLS_REFUSED: Final = frozenset({StartFault.IMAGE_NOT_FOUND.value, StartFault.IMAGE_PULL_FORBIDDEN.value})
_CONFIG_ERRORS: Final[tuple[tuple[re.Pattern[str], StartFault], ...]] = (
    (re.compile(r'secrets? "[^"]*" not found', re.IGNORECASE), StartFault.SECRET_NOT_FOUND),
    (re.compile(r"couldn't find key \S+ in Secret", re.IGNORECASE), StartFault.SECRET_KEY_NOT_FOUND),
    (re.compile(r'configmaps? "[^"]*" not found', re.IGNORECASE), StartFault.CONFIG_MAP_NOT_FOUND),
    (re.compile(r"couldn't find key \S+ in ConfigMap", re.IGNORECASE), StartFault.CONFIG_MAP_NOT_FOUND),
)
_IMAGE_ERRORS: Final[tuple[tuple[re.Pattern[str], StartFault, bool], ...]] = (
    (
        re.compile(r"qps exceeded|toomanyrequests|too many requests|\b429\b", re.IGNORECASE),
        StartFault.IMAGE_PULL_FAILED,
        False,
    ),
    (
        re.compile(r"unauthori[sz]ed|forbidden|denied|\b401\b|\b403\b", re.IGNORECASE),
        StartFault.IMAGE_PULL_FORBIDDEN,
        True,
    ),
    (
        re.compile(r"not found|manifest unknown|name unknown|\b404\b|does not exist", re.IGNORECASE),
        StartFault.IMAGE_NOT_FOUND,
        True,
    ),
)
_NAMES: Final = re.compile(r'"[^"\s]*[/:.@-][^"\s]*"|(?<!\S)[^\s/]*/\S*')
"""Names and addresses in what is said of an image: ``app-404`` or ``denied:403`` are no answers of a registry. Each is
looked for from where a word begins: from every letter of a long word it would take the square of the word's length."""
_MOUNT_ERRORS: Final[tuple[tuple[re.Pattern[str], StartFault], ...]] = (
    (re.compile(r"references non-existent secret key", re.IGNORECASE), StartFault.SECRET_KEY_NOT_FOUND),
    (re.compile(r"references non-existent config key", re.IGNORECASE), StartFault.CONFIG_MAP_NOT_FOUND),
    *_CONFIG_ERRORS,
)
_WEBHOOK_FAILED: Final = re.compile(r"failed calling webhook|failed to call webhook")
_QUOTA: Final = re.compile(r"\b(?:exceeded|failed) quota\b")
_PASSING: Final = re.compile(
    r"context (deadline exceeded|canceled)|DeadlineExceeded|timed? ?out|code = (Unavailable|Canceled|Aborted)"
    r"|connection (refused|reset)|transport is closing|is reserved for|temporarily unavailable|try again",
    re.IGNORECASE,
)
"""What a node says that is busy, or whose container runtime is being restarted: it tries again by itself."""
_UNSAID: Final = {"CreateContainerError": "context deadline exceeded"}
"""What a state without a message mostly means."""
_VOLUME_IN_USE: Final = re.compile(
    r"Multi-Attach error|already (exclusively )?attached to|already used by pod"
)
_MISSING_CLAIM: Final = re.compile(r'persistentvolumeclaim "[^"]*" not found')
_UNBOUND_CLAIM: Final = re.compile(
    r"unbound immediate PersistentVolumeClaims|didn't find available persistent"
)


def start_problem(pod: PodView, limits: StartLimits) -> StartProblem | None:
    """Return what keeps ``pod``'s main container from starting, or None when it is just on its way.

    Init containers come before main, each after the one before it.
    """
    for container in pod.status.init_container_statuses:
        if (problem := _container_problem(container.state, limits)) is not None:
            return replace(problem, detail=f"{named(container)}: {problem.detail}")
    if (problem := _container_problem(pod.main, limits)) is not None:
        return problem
    scheduled = pod.condition("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        if _MISSING_CLAIM.search(scheduled.message):
            return StartProblem(
                StartFault.VOLUME_CLAIM_NOT_FOUND, scheduled.message, limits.missing_reference
            )
        if _UNBOUND_CLAIM.search(scheduled.message):
            return StartProblem(StartFault.VOLUME_NOT_BOUND, scheduled.message, None)
        return StartProblem(StartFault.UNSCHEDULABLE, scheduled.message, None)
    return None


def patience(
    problem: StartProblem | None,
    age: float,
    limits: StartLimits,
    start_timeout: float,
    *,
    said: str | None,
    age_of: Callable[[str], float],
) -> StartPatience:
    """Return how much longer to wait for a start that has taken ``age`` seconds.

    ``said`` is the reason so far, and ``age_of`` tells how many seconds ago a reason was first said: a cause has its
    limit from then, within the whole start's.
    """
    left = start_timeout - age
    if problem is None:
        return StartPatience(left, None, look_again=min(left, 3 if age < 10 else 15))
    fault, limit = problem.reason, problem.limit
    if fault is StartFault.IMAGE_PULL_FAILED and said in _PULLS_REFUSED:
        # Between two tries the kubelet says only that it waits; the cause is the one said before.
        fault, limit = StartFault(said), limits.image_refused
    if limit is not None:
        left = min(left, limit - age_of(fault.value))
    return StartPatience(left, fault, look_again=left)


def scheduled_since(pod: PodView) -> datetime:
    """Return since when the pod has a node; before it has one, since when there is the pod."""
    scheduled = pod.condition("PodScheduled")
    if scheduled is None or scheduled.status != "True" or scheduled.last_transition_time is None:
        return pod.metadata.creation_timestamp
    return scheduled.last_transition_time


def volume_in_use(warning: str) -> str:
    """Return a sentence when a pod waits for a volume that only one node may mount; empty for other warnings."""
    if _VOLUME_IN_USE.search(warning) is None:
        return ""
    return f"It waits for a volume that is in use on another node: {warning}"


def _container_problem(state: ContainerStateView, limits: StartLimits) -> StartProblem | None:
    waiting = state.waiting
    if waiting is None or waiting.reason in ON_ITS_WAY:
        return None
    return _waiting_problem(waiting.reason, waiting.message, limits)


def _waiting_problem(reason: str, message: str, limits: StartLimits) -> StartProblem:
    if reason in {"InvalidImageName", "ErrImageNeverPull"}:
        kind = StartFault.INVALID_IMAGE_NAME if reason == "InvalidImageName" else StartFault.IMAGE_NOT_FOUND
        return StartProblem(kind, message, 0)
    if reason in {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError"}:
        return image_problem(message, limits)
    if reason == "CreateContainerConfigError":
        for pattern, kind in _CONFIG_ERRORS:
            if pattern.search(message):
                return StartProblem(kind, message, limits.missing_reference)
    passing = _PASSING.search(message or _UNSAID.get(reason, "")) is not None
    return StartProblem(
        StartFault.START_FAILED, message or reason, None if passing else limits.missing_reference
    )


def image_problem(message: str, limits: StartLimits) -> StartProblem:
    """Classify a failed pull: what cannot get better by waiting has a shorter limit."""
    said = _NAMES.sub(" ", message)
    for pattern, kind, final in _IMAGE_ERRORS:
        if pattern.search(said):
            return StartProblem(kind, message, limits.image_refused if final else None)
    return StartProblem(StartFault.IMAGE_PULL_FAILED, message, None)


def is_webhook_failure(message: str) -> bool:
    """Tell whether Kubernetes could not ask a webhook, which then refused nothing."""
    return _WEBHOOK_FAILED.search(message) is not None


def lacks_quota(message: str) -> bool:
    """Tell whether a quota of the namespace refuses what is to be made."""
    return _QUOTA.search(message) is not None


def creation_problem(message: str, limits: StartLimits) -> StartProblem:
    """Classify why the Job controller could not create the pod, from its FailedCreate event."""
    if is_webhook_failure(message):
        return StartProblem(StartFault.WEBHOOK_FAILED, message, None)
    if lacks_quota(message):
        return StartProblem(StartFault.QUOTA_EXCEEDED, message, None)
    if re.search(r"serviceaccount \S+ not found|service account \S+ was not found", message):
        return StartProblem(StartFault.SERVICE_ACCOUNT_NOT_FOUND, message, limits.missing_reference)
    return StartProblem(StartFault.POD_REFUSED, message, limits.missing_reference)


def mount_problem(message: str, limits: StartLimits) -> StartProblem | None:
    """Return what a pod lacks that is mounted into it, from its FailedMount event; None for other warnings."""
    for pattern, kind in _MOUNT_ERRORS:
        if pattern.search(message):
            return StartProblem(kind, message, limits.missing_reference)
    return None
