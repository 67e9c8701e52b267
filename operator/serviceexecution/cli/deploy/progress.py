"""How far a deployment is, from the ServiceDefinition's status. Pure."""

from dataclasses import dataclass
from enum import Enum

from serviceexecution.cli.errors import ExitCode
from serviceexecution.cli.summaries import RevisionSummary, ServiceSummary


class Stage(Enum):
    """Where a deployment stands."""

    UNSEEN = "waiting for the operator"
    WAITING = "waiting"
    BUILDING = "building"
    SWITCHING = "built, waiting until it serves"
    SERVING = "serving"
    BUILT = "built, but another revision is pinned"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more happens."""
        return self in {Stage.SERVING, Stage.BUILT, Stage.FAILED, Stage.CANCELLED}


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a deployment stands, and which revision it is about."""

    stage: Stage
    service: ServiceSummary
    revision: RevisionSummary | None = None
    message: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """Return how a command ends that waited for this."""
        match self.stage:
            case Stage.FAILED:
                return ExitCode.BUILD_FAILED
            case Stage.CANCELLED:
                return ExitCode.CANCELLED
            case _:
                return ExitCode.SUCCEEDED


def progress_of(service: ServiceSummary, *, applied: ServiceSummary, builds: bool) -> Progress:
    """Return how far the deployment is that left the service as ``applied``; ``builds`` when an image is built."""
    if service.built_from != applied.built_from:
        return Progress(
            Stage.CANCELLED, service, None, "Somebody else has deployed another source in the meantime."
        )
    if service.observed_generation < applied.generation:
        return Progress(Stage.UNSEEN, service)
    if not builds:
        return _without_build(service)
    built = service.conditions.get("Built")
    revision = _wanted(service)
    if built is not None and built.status == "True":
        if service.pinned:
            return Progress(Stage.BUILT, service, revision)
        ready = service.phase == "Ready" and bool(service.serving)
        return Progress(Stage.SERVING if ready else Stage.SWITCHING, service, revision)
    message = (revision.message if revision is not None else "") or (built.message if built else "")
    match revision.phase if revision is not None else service.phase:
        case "Failed":
            return Progress(Stage.FAILED, service, revision, message)
        case "Cancelled" | "Superseded":
            return Progress(Stage.CANCELLED, service, revision, message)
        case "Building":
            return Progress(Stage.BUILDING, service, revision, message)
        case "Succeeded":
            return Progress(Stage.SWITCHING, service, revision, message)
        case _:
            return Progress(Stage.WAITING, service, revision, message)


def _without_build(service: ServiceSummary) -> Progress:
    ready = service.conditions.get("Ready")
    if ready is None or ready.status == "Unknown":
        return Progress(Stage.WAITING, service)
    return Progress(Stage.SERVING if ready.status == "True" else Stage.FAILED, service, None, ready.message)


def _wanted(service: ServiceSummary) -> RevisionSummary | None:
    """Return the revision that the newest spec asks for: what serves when all is built, else the newest."""
    built = service.conditions.get("Built")
    if built is not None and built.status == "True" and not service.pinned and service.serving:
        return service.find(service.serving)
    return service.revisions[0] if service.revisions else None
