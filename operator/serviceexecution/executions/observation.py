"""What is seen of one execution at one moment: all that a decision is made from."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from serviceexecution.executions.attendance import Attendance
from serviceexecution.executions.conditions import reason_since
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.planning.plan import Plan, Times
from serviceexecution.executions.verdict import MainOutput
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.executions.execution_status import ExecutionStatus, TakenService
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_start import StartLimits, StartProblem
from serviceexecution.store.records import LogRecord, OutputManifest


@dataclass(frozen=True, slots=True)
class Observation:
    """All that is known of one execution at one moment."""

    execution: ServiceExecution
    times: Times
    now: datetime
    """On the API server's clock, as are all times of the status but ``start_time``. Those of containers are on their
    node's clock, and are compared with each other only."""
    limits: StartLimits
    plan: Plan | PlanProblem | None = None
    """Only while there is no Job."""
    taken: TakenService | None = None
    """What the execution takes from its service, now that it may start."""
    job: JobView | None = None
    """None only when the API server itself said so."""
    left_job: JobView | None = None
    """The Job of the attempt before, while the next one has none yet."""
    left_pod_runs: bool = False
    """A pod of that Job has not ended, as far as the API server knows."""
    pod: PodView | None = None
    creation_problem: StartProblem | None = None
    """Why the Job controller cannot create the pod."""
    warning: str = ""
    """Newest warning about a pod that does not start."""
    staging: str = ""
    """How far its data pools have come into the pod, in a sentence."""
    manifest: OutputManifest | None = None
    log: LogRecord | None = None
    output: MainOutput | None = None
    output_problem: str | None = None
    """Why the main result does not fit the service's schema."""
    output_fault: str | None = None
    """Why a main result that is too long for ``output`` is no JSON, in a sentence."""
    left_problem: str | None = None
    """Text of the problem that a failed program has left elsewhere than in ``output``."""
    results_unknown: bool = False
    """The store did not answer: what is missing above may be there."""
    store_away_since: datetime | None = None
    """Since when it has not."""
    attendance: Attendance = field(default_factory=Attendance)
    """Since when this controller has looked, and when what it needs for that was away."""

    @property
    def status(self) -> ExecutionStatus:
        """Return the status as recorded, and as far as it has been decided."""
        return self.execution.status

    @property
    def generation(self) -> int:
        """Return the generation of the spec that is decided from."""
        return self.execution.metadata.generation

    @property
    def is_going(self) -> bool:
        """Tell whether the execution is being deleted."""
        return self.execution.metadata.deletion_timestamp is not None

    def cancelled(self) -> Self:
        """Return the same observation of an execution that is to be stopped."""
        spec = self.execution.spec.model_copy(update={"cancel": True})
        return replace(self, execution=self.execution.model_copy(update={"spec": spec}))

    def with_status(self, **updates: object) -> Self:
        """Return the same observation with these members of the status decided."""
        return self.as_of(self.status.model_copy(update=updates))

    def as_of(self, status: ExecutionStatus) -> Self:
        """Return the same observation with this status decided."""
        return replace(self, execution=self.execution.model_copy(update={"status": status}))

    def age(self, since: datetime) -> float:
        """Return how many seconds ago ``since`` was."""
        return (self.now - since).total_seconds()

    def since(self, reason: str) -> datetime:
        """Return when ``reason`` was first said, without a break until now; now when it is new."""
        return reason_since(self.status, reason, self.now)

    def attended(self, since: datetime) -> float:
        """Return for how many of the seconds since then this controller was there, and all that it needs."""
        return self.attendance.seconds(since, self.now)
