"""What is seen of one service and its builds at one moment: all that a decision is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from serviceexecution.builds.names import build_job_name
from serviceexecution.builds.settings import Builder, BuildsSettings
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_start import StartLimits, StartProblem
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import Revision
from serviceexecution.store.records import BuildReport, LogRecord


@dataclass(frozen=True, slots=True)
class BuildObservation:
    """All that is known of one service and its builds at one moment."""

    definition: ServiceDefinition
    now: datetime
    settings: BuildsSettings | None = None
    """None when this installation builds nothing."""
    limits: StartLimits = field(default_factory=StartLimits)
    builder: Builder | None = None
    """What builds in the service's namespace; None: see ``no_builder``."""
    no_builder: str = ""
    """Why nothing can build in the service's namespace."""
    problem: str | None = None
    """Why no execution of the service can start, whatever is built."""
    build_problem: str | None = None
    """Why the spec cannot be built as it is."""
    jobs: tuple[JobView, ...] = ()
    """All Jobs of the service's builds. That of the recorded attempt is missing only when the API server said so."""
    pods: Mapping[str, PodView] = field(default_factory=dict)
    """The newest pod of each Job, by the Job's uid."""
    source_missing: bool = False
    """The archive that the spec names is not in the store."""
    before: int | None = None
    """How many builds come first; None when this one may start."""
    refused: StartProblem | None = None
    """Why the API server did not take the Job."""
    creation_problem: StartProblem | None = None
    """Why the Job controller cannot create the pod."""
    mount_problem: StartProblem | None = None
    """What the pod lacks that is mounted into it."""
    warning: str = ""
    """Newest warning about a pod that does not start."""
    report: BuildReport | None = None
    """What the recorded attempt's pod has reported."""
    logs: Mapping[str, LogRecord] = field(default_factory=dict)
    """Commit records of the logs of revisions that have a Job, by the revision's name."""

    def age(self, since: datetime) -> float:
        """Return how many seconds ago ``since`` was."""
        return (self.now - since).total_seconds()

    def job_of(self, revision: Revision) -> JobView | None:
        """Return the Job of the revision's current attempt."""
        name = build_job_name(self.definition.metadata, revision.name, revision.attempts)
        return next((one for one in self.jobs if one.metadata.name == name), None)

    def log_of(self, revision: Revision) -> LogRecord | None:
        """Return the commit record of the log of the revision's current attempt."""
        record = self.logs.get(revision.name)
        return record if record is not None and record.attempt == revision.attempts else None
