"""What is to be done about a service and its builds: the status that says it, and what follows from it."""

from dataclasses import dataclass, field

from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.services.definition_status import Revision, ServiceDefinitionStatus


@dataclass(frozen=True, slots=True)
class FollowedBuild:
    """A build whose log is to be followed: its revision, the attempt, and the pod."""

    revision: str
    attempt: int
    pod: PodView

    @property
    def ended(self) -> bool:
        """Tell whether the log has an end."""
        return self.pod.ended or self.pod.main.terminated is not None


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of the revision that waits or is being built."""

    revision: Revision
    create: bool = False
    follow: FollowedBuild | None = None
    stop: PodView | None = None
    """End this pod by its deadline."""
    wake_after: float | None = None


@dataclass(frozen=True, slots=True)
class BuildDecision:
    """What should be. The status is written first; all else follows from it and may be repeated."""

    status: ServiceDefinitionStatus
    create: Revision | None = None
    """Create the Job of the revision's current attempt."""
    follow: tuple[FollowedBuild, ...] = field(default=(), kw_only=True)
    stop: tuple[PodView, ...] = field(default=(), kw_only=True)
    """End these pods by their deadline, which keeps pod and log."""
    delete: tuple[JobView, ...] = field(default=(), kw_only=True)
    wake_after: float | None = None
    """Seconds until something may have to be decided again without any event."""


def earliest(*times: float | None) -> float | None:
    """Return the smallest of the times that are given."""
    return min((time for time in times if time is not None), default=None)
