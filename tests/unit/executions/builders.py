"""Builds what the controller sees, so that a test states only what matters to it.

Times are seconds after ``at(0)``, when the execution was created. Objects fit together: one execution, its first
Job, that Job's pod.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from serviceexecution.executions.decide import decide
from serviceexecution.executions.names import job_name
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.outcome import Decision
from serviceexecution.executions.planning.plan import Plan, make_plan, times_of
from serviceexecution.executions.verdict import MainOutput
from serviceexecution.resources.executions.execution import ObjectMeta, ServiceExecution
from serviceexecution.resources.executions.execution_spec import ExecutionSpec
from serviceexecution.resources.executions.execution_status import (
    EarlierAttempt,
    ExecutionStatus,
    JobReference,
    Phase,
    PodReference,
    StopReason,
    StopRequest,
)
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from serviceexecution.resources.pods.observed import (
    ChildMeta,
    ConditionView,
    ContainerStateView,
    ContainerView,
    JobSpecView,
    JobStatusView,
    JobView,
    OwnerView,
    PodSpecView,
    PodStatusView,
    PodView,
    RunningView,
    TerminatedView,
    WaitingView,
)
from serviceexecution.resources.pods.pod_start import StartLimits
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.records import LogRecord, OutputManifest, SkippedFile, StdoutResult, StoredFile

UID: Final = "0a1b2c3d-0000-4000-8000-000000000001"
JOB_UID: Final = "0a1b2c3d-0000-4000-8000-00000000000b"
POD_UID: Final = "0a1b2c3d-0000-4000-8000-00000000000d"
REFERENCE: Final = ExecutionReference("team", "sum", UID)
JOB_NAME: Final = job_name(REFERENCE, 1)
POD_NAME: Final = f"{JOB_NAME}-x7k2p"
IMAGE: Final = "registry.example/sum:1"
LIMITS: Final = StartLimits(missing_reference=60, image_refused=120)
_ZERO: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after the execution was created."""
    return _ZERO + timedelta(seconds=seconds)


def spec(**members: object) -> ExecutionSpec:
    """Return a spec; members by their names in the API."""
    return ExecutionSpec.model_validate({"runtime": {"docker": {"image": IMAGE}}, **members})


def execution(
    status: ExecutionStatus | None = None, *, generation: int = 1, deleted: bool = False, **members: object
) -> ServiceExecution:
    """Return an execution with these members of its spec."""
    return ServiceExecution(
        metadata=ObjectMeta(
            name=REFERENCE.name,
            namespace=REFERENCE.namespace,
            uid=UID,
            resource_version="1",
            generation=generation,
            creation_timestamp=at(0),
            deletion_timestamp=at(1) if deleted else None,
        ),
        spec=spec(**members),
        status=status or ExecutionStatus(),
    )


def status(phase: Phase | None = None, reason: str | None = None, **members: object) -> ExecutionStatus:
    """Return a status."""
    return ExecutionStatus.model_validate({"phase": phase, "reason": reason, **members})


def started_status(**members: object) -> ExecutionStatus:
    """Return the status of an execution that is known to have started at 5."""
    known: dict[str, object] = {
        "job": recorded_job(),
        "attempts": 1,
        "pod": recorded_pod(),
        "start_time": at(5),
        "since": at(5),
        "message": "The program is running.",
    }
    return ExecutionStatus.model_validate({"phase": Phase.RUNNING, "reason": "Running", **known, **members})


def recorded_job(attempt: int = 1) -> JobReference:
    """Return what status says of the attempt's Job."""
    return JobReference(name=job_name(REFERENCE, attempt), uid=uid_of_attempt(JOB_UID, attempt))


def recorded_pod(attempt: int = 1) -> PodReference:
    """Return what status says of the attempt's pod."""
    name = f"{job_name(REFERENCE, attempt)}-x7k2p"
    return PodReference(name=name, uid=uid_of_attempt(POD_UID, attempt), node="node-1")


def earlier(
    attempt: int = 1, reason: str = "ProgramFailed", *, ended_at: float = 20, **members: object
) -> EarlierAttempt:
    """Return what status says of an attempt after which another one is made."""
    known: dict[str, object] = {
        "attempt": attempt,
        "reason": reason,
        "message": f"It ended as {reason}.",
        "job": recorded_job(attempt),
        "pod": recorded_pod(attempt),
        "start_time": at(5),
        "end_time": at(ended_at),
    }
    return EarlierAttempt.model_validate({**known, **members})


def often_tried_status() -> ExecutionStatus:
    """Return the status of a run whose program did not start, and which was tried as often as it is by itself."""
    tried = tuple(earlier(one, "NodeRefused", counts=False, start_time=None) for one in (1, 2, 3))
    return status(Phase.PENDING, "Starting", job=recorded_job(4), attempts=4, earlier_attempts=tried)


def stop_request(reason: StopReason = StopReason.CANCELLED, seconds: float = 8) -> StopRequest:
    """Return a recorded wish to stop."""
    return StopRequest(reason=reason, time=at(seconds))


def uid_of_attempt(uid: str, attempt: int) -> str:
    """Return the uid that an attempt's Job or pod has in place of the first one's."""
    return uid if attempt == 1 else f"{uid[:-2]}{attempt:x}{uid[-1]}"


def job(
    *,
    suspended: bool = False,
    created: float = 1,
    ended: str = "",
    started: float | None = 1,
    queued_at: float | None = None,
    attempt: int = 1,
) -> JobView:
    """Return the attempt's Job; ``ended`` is its terminal condition, ``queued_at`` when it was suspended or resumed."""
    conditions: tuple[ConditionView, ...] = ()
    if ended:
        conditions = (ConditionView(type=ended, status="True"),)
    if queued_at is not None:
        conditions += (condition("Suspended", "True" if suspended else "False", since=queued_at),)
    return JobView(
        metadata=_child(
            job_name(REFERENCE, attempt),
            uid_of_attempt(JOB_UID, attempt),
            OwnerView(kind="ServiceExecution", name="sum", uid=UID, controller=True),
        ).model_copy(update={"creation_timestamp": at(created)}),
        spec=JobSpecView(suspend=suspended),
        status=JobStatusView(
            start_time=None if started is None or suspended else at(started), conditions=conditions
        ),
    )


def pod(
    main: ContainerStateView | None = None,
    collector: ContainerStateView | None = None,
    *,
    init: dict[str, ContainerStateView] | None = None,
    going: bool = False,
    node: str | None = "node-1",
    phase: str = "",
    deadline: int | None = None,
    reason: str = "",
    message: str = "",
    conditions: tuple[ConditionView, ...] = (),
    deleted: float | None = None,
    attempt: int = 1,
    memory: str | None = None,
) -> PodView:
    """Return the attempt's pod, created at 2; its phase follows from its containers unless given.

    The clocks of node and API server agree, and the kubelet writes what has happened at once. ``deleted`` is when the
    pod is to be gone.
    """
    containers = tuple(
        ContainerView(name=name, state=state)
        for name, state in (("main", main), ("collector", collector))
        if state is not None
    )
    metadata = _child(
        f"{job_name(REFERENCE, attempt)}-x7k2p",
        uid_of_attempt(POD_UID, attempt),
        OwnerView(
            kind="Job",
            name=job_name(REFERENCE, attempt),
            uid=uid_of_attempt(JOB_UID, attempt),
            controller=True,
        ),
    ).model_copy(
        update={
            "status_written": _newest_stamp(main, collector),
            "deletion_timestamp": at(3) if going else None if deleted is None else at(deleted),
        }
    )
    return PodView(
        metadata=metadata,
        spec=PodSpecView(
            node_name=node if containers else None, active_deadline_seconds=deadline, memory_limit=memory
        ),
        status=PodStatusView(
            phase=phase or _pod_phase(main, collector),
            reason=reason,
            message=message,
            conditions=conditions,
            init_container_statuses=tuple(
                ContainerView(name=name, state=state) for name, state in (init or {}).items()
            ),
            container_statuses=containers,
        ),
    )


def _newest_stamp(*states: ContainerStateView | None) -> datetime | None:
    stamps = [state.running.started_at for state in states if state is not None and state.running is not None]
    ends = [state.terminated for state in states if state is not None and state.terminated is not None]
    return max([*stamps, *(end.finished_at for end in ends if end.finished_at is not None)], default=None)


def _child(name: str, uid: str, owner: OwnerView) -> ChildMeta:
    return ChildMeta(
        name=name,
        namespace=REFERENCE.namespace,
        uid=uid,
        resource_version="1",
        creation_timestamp=at(2),
        labels={LABEL_EXECUTION_UID: UID},
        owner_references=(owner,),
    )


def _pod_phase(main: ContainerStateView | None, collector: ContainerStateView | None) -> str:
    states = [state for state in (main, collector) if state is not None]
    ends = [state.terminated for state in states]
    if states and all(end is not None for end in ends):
        return "Succeeded" if all(end is not None and end.exit_code == 0 for end in ends) else "Failed"
    return "Running" if any(state.waiting is None for state in states) else "Pending"


def waiting(reason: str = "ContainerCreating", message: str = "") -> ContainerStateView:
    """Return the state of a container that waits."""
    return ContainerStateView(waiting=WaitingView(reason=reason, message=message))


def running(since: float = 5) -> ContainerStateView:
    """Return the state of a container that runs."""
    return ContainerStateView(running=RunningView(started_at=at(since)))


def ended(
    code: int = 0, *, since: float | None = 5, until: float | None = 15, reason: str = "", message: str = ""
) -> ContainerStateView:
    """Return the state of a container that has ended."""
    end = TerminatedView(
        exit_code=code,
        reason=reason or ("Completed" if code == 0 else "Error"),
        message=message,
        started_at=None if since is None else at(since),
        finished_at=None if until is None else at(until),
    )
    return ContainerStateView(terminated=end)


def condition(
    type_: str, value: str = "True", *, message: str = "", since: float | None = None
) -> ConditionView:
    """Return a pod's condition."""
    return ConditionView(
        type=type_,
        status=value,
        message=message,
        last_transition_time=None if since is None else at(since),
    )


def unscheduled(message: str, attempt: int = 1) -> PodView:
    """Return a pod that the scheduler could not place."""
    return pod(conditions=(condition("PodScheduled", "False", message=message),), attempt=attempt)


def file(path: str = "output.json", size: int = 11) -> StoredFile:
    """Return a stored file."""
    return StoredFile(path=path, size=size, sha256="ab" * 32, media_type="application/json")


def manifest(
    *files: StoredFile, skipped: tuple[SkippedFile, ...] = (), limit_exceeded: bool = False
) -> OutputManifest:
    """Return a committed manifest."""
    return OutputManifest(
        pod_uid=POD_UID,
        files=files,
        skipped=skipped,
        total_bytes=sum(one.size for one in files),
        limit_exceeded=limit_exceeded,
        committed_at=at(16),
    )


def log(
    *,
    complete: bool = True,
    truncated: bool = False,
    stdout_result: StdoutResult | None = None,
    stdout_problem: str | None = None,
) -> LogRecord:
    """Return a committed log."""
    return LogRecord(
        pod_uid=POD_UID,
        bytes=120,
        lines=3,
        complete=complete,
        truncated=truncated,
        stdout_result=stdout_result,
        stdout_problem=stdout_problem,
        committed_at=at(16),
    )


def main_output(text: str | None = '{"sum": 6}', *, from_log: bool = False) -> MainOutput:
    """Return the main result."""
    return MainOutput(text, from_log=from_log)


def plan_of(one: ServiceExecution) -> Plan:
    """Return the plan of an execution that can be planned without other objects."""
    plan = make_plan(one.spec, one.metadata.uid, None)
    assert isinstance(plan, Plan)
    return plan


def observation(one: ServiceExecution | None = None, *, now: float = 20, **members: object) -> Observation:
    """Return what is seen at ``now``: without a Job there is a plan."""
    one = one or execution()
    known: dict[str, Any] = {
        "execution": one,
        "times": times_of(one.spec),
        "now": at(now),
        "limits": LIMITS,
        **members,
    }
    if known.get("job") is None and "plan" not in known:
        known["plan"] = plan_of(one)
    return Observation(**known)


def decided(one: ServiceExecution | None = None, *, now: float = 20, **members: object) -> Decision:
    """Return the decision about what is seen at ``now``."""
    return decide(observation(one, now=now, **members))
