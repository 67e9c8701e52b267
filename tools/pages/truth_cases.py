"""What can be seen of an execution, by name: the rows of the truth table. Times are seconds after its creation."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from serviceexecution.executions.observation import Observation
from serviceexecution.executions.plan_problem import PlanProblem
from serviceexecution.executions.planning.plan import Plan, make_plan, times_of
from serviceexecution.executions.reasons import Reason
from serviceexecution.resources.executions.execution import ServiceExecution
from serviceexecution.resources.pods.observed import JobView, PodSpecView, PodView
from serviceexecution.resources.pods.pod_start import StartFault, StartLimits, StartProblem
from serviceexecution.store.records import LogRecord, OutputManifest, PoolWrite, SkippedFile, StoredFile

_UID: Final = "0a1b2c3d-0000-4000-8000-000000000001"
_META: Final = {"name": "sum", "namespace": "team", "uid": _UID}
_ZERO: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """One row: ``seen`` in words, and as it is found at ``now``."""

    seen: str
    now: float = 100
    spec: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after the execution's creation."""
    return _ZERO + timedelta(seconds=seconds)


def execution(case: Case) -> ServiceExecution:
    """Return the execution of a row, as it is found."""
    spec = {"runtime": {"docker": {"image": "sum:1"}}, **case.spec}
    metadata = {**_META, "creationTimestamp": at(0), "generation": 1}
    return ServiceExecution.model_validate({"metadata": metadata, "spec": spec, "status": case.status})


def observation(case: Case, one: ServiceExecution, now: float, pod: PodView | None) -> Observation:
    """Return what is seen at ``now`` of the execution, of which nothing but its status and ``pod`` has changed."""
    members = {**case.members, "pod": pod}
    if members.get("job") is None and one.status.job is None and "plan" not in members:
        plan = make_plan(one.spec, _UID, None)
        assert isinstance(plan, Plan)  # noqa: S101 - for the type checker
        members["plan"] = plan
    return Observation(execution=one, times=times_of(one.spec), now=at(now), limits=StartLimits(), **members)


def _job(*, suspended: bool = False, ended: str = "") -> JobView:
    conditions = [{"type": ended, "status": "True"}] if ended else []
    metadata = {**_META, "name": "sum-0a1b2c3d-1", "uid": "job", "creationTimestamp": at(1)}
    return JobView.model_validate(
        {"metadata": metadata, "spec": {"suspend": suspended}, "status": {"conditions": conditions}}
    )


def _pod(
    main: dict[str, Any] | None = None, collector: dict[str, Any] | None = None, **other: object
) -> PodView:
    containers = [
        {"name": name, "state": state} for name, state in (("main", main), ("collector", collector)) if state
    ]
    metadata = {**_META, "name": "sum-0a1b2c3d-1-x7k2p", "uid": "pod", "creationTimestamp": at(1)}
    if isinstance(deleted := other.pop("deleted", None), int):
        metadata["deletionTimestamp"] = at(deleted)
    written = [{"subresource": "status", "time": at(90).isoformat()}]
    node = other.pop("node", "node-1")
    return PodView.model_validate(
        {
            "metadata": {**metadata, "managedFields": written},
            "spec": {"nodeName": node, "activeDeadlineSeconds": other.pop("deadline", None)},
            "status": {"phase": "Running", "containerStatuses": containers, **other},
        }
    )


def _waits(reason: str = "ContainerCreating", message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def _ends(code: int = 0, reason: str = "Completed", message: str = "") -> dict[str, Any]:
    times = {"startedAt": at(10), "finishedAt": at(90)}
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, **times}}


def _kept(*missing: str, **other: object) -> dict[str, Any]:
    file = StoredFile(path="output.json", size=11, sha256="ab" * 32, media_type="application/json")
    members: dict[str, Any] = {
        "manifest": OutputManifest(pod_uid="pod", files=(file,), total_bytes=11, committed_at=at(91)),
        "log": LogRecord(pod_uid="pod", bytes=120, lines=3, committed_at=at(91)),
    }
    return {**{name: value for name, value in members.items() if name not in missing}, **other}


_WITHOUT_RESULT: Final = OutputManifest(
    pod_uid="pod",
    skipped=(SkippedFile(path="output.json", reason="it is a link"),),
    committed_at=at(91),
)
_WITH_CONFLICT: Final = OutputManifest(
    pod_uid="pod",
    committed_at=at(91),
    data_pools=(PoolWrite(property="numbers", reason="Conflict", message="Another writer …"),),
)
_RUNS: Final = {"running": {"startedAt": at(10)}}
_JOB: Final = {"job": {"name": "sum-0a1b2c3d-1", "uid": "job"}, "attempts": 1}
_POD: Final = {"name": "sum-0a1b2c3d-1-x7k2p", "uid": "pod", "node": "node-1"}
_STARTED: Final = {
    **_JOB,
    "phase": "Running",
    "reason": "Running",
    "since": at(10),
    "startTime": at(10),
    "pod": _POD,
}
_COLLECTING: Final = {**_STARTED, "reason": "Collecting", "since": at(95), "exitCode": 0}
_CANCELLED: Final = {"reason": "Cancelled", "time": at(95)}


def _lacks(reason: Reason, detail: str, *, waiting: bool = True, coming: bool = False) -> dict[str, Any]:
    return {"plan": PlanProblem(reason, detail, waiting=waiting, coming=coming)}


def _starts(pod: PodView | None, **members: object) -> dict[str, Any]:
    return {"job": _job(), "pod": pod, **members}


def _placed(main: dict[str, Any], **other: object) -> PodView:
    condition = {"type": "PodScheduled", "status": "True", "lastTransitionTime": at(2)}
    return _pod(main, _waits(), phase="Pending", conditions=[condition], **other)


def _unplaced(message: str) -> PodView:
    condition = {"type": "PodScheduled", "status": "False", "message": message}
    return _pod(phase="Pending", node=None, conditions=[condition])


def _over(main: dict[str, Any], **other: object) -> PodView:
    return _pod(main, _ends(), phase="Failed", **other)


def _refused(fault: StartFault, text: str, limit: float | None) -> dict[str, Any]:
    return _starts(None, creation_problem=StartProblem(fault, text, limit))


def _staged(code: int, words: str) -> dict[str, Any]:
    ended = [{"name": "data-pools", "state": _ends(code, "Error", words)}]
    return _starts(_pod(_waits("PodInitializing"), phase="Failed", initContainerStatuses=ended))


_OFTEN_TRIED: Final = {
    **_JOB,
    "attempts": 4,
    "earlierAttempts": [
        {
            "attempt": number,
            "reason": "NodeRefused",
            "message": "The node refused the pod before the program started.",
            "counts": False,
            "job": _JOB["job"],
            "endTime": at(number),
        }
        for number in (1, 2, 3)
    ],
}
"""Of a run whose program did not start, and which was tried as often as it is by itself."""

WITHOUT_JOB: Final = (
    Case("nothing yet", now=1),
    Case("a cancel before anything is made", spec={"cancel": True}),
    Case("a spec that cannot be run", members=_lacks(Reason.INVALID_SPEC, "spec.timeout: …", waiting=False)),
    Case("an input that is none", members=_lacks(Reason.INVALID_INPUT, "spec.input: …", waiting=False)),
    Case("no ConfigMap with the input", members=_lacks(Reason.INPUT_NOT_FOUND, "Create it.")),
    Case("no data pool of that id", members=_lacks(Reason.DATA_POOL_NOT_FOUND, "Label a claim.")),
    Case("several data pools of that id", members=_lacks(Reason.DATA_POOL_AMBIGUOUS, "…", waiting=False)),
    Case("data pools that are too large", members=_lacks(Reason.DATA_POOL_TOO_LARGE, "…", waiting=False)),
    Case(
        "a DataPool without its claim", members=_lacks(Reason.DATA_POOL_UNAVAILABLE, "It has no claim yet.")
    ),
    Case("no service of that name", members=_lacks(Reason.SERVICE_NOT_FOUND, "Create it.")),
    Case("a service that cannot be run", members=_lacks(Reason.SERVICE_NOT_READY, "spec.inputSchema: …")),
    Case(
        "a service whose first image is being built",
        members=_lacks(Reason.SERVICE_NOT_READY, "Its first image is being built.", coming=True),
    ),
    Case("others of the service come first", members=_lacks(Reason.QUEUED, "1 comes first.")),
    Case("a quota has no room for the Job", members=_lacks(Reason.QUOTA_EXCEEDED, "exceeded quota")),
    Case("a webhook for Jobs is down", members=_lacks(Reason.WEBHOOK_FAILED, "failed calling webhook")),
)

STARTING: Final = (
    Case("a Job that its queue holds back", spec={"queueName": "q"}, members={"job": _job(suspended=True)}),
    Case("a Job without a pod", now=5, status=_JOB, members=_starts(None)),
    Case(
        "no pod: a quota has no room",
        members=_refused(StartFault.QUOTA_EXCEEDED, "exceeded quota", None),
    ),
    Case(
        "no pod: a webhook is down",
        members=_refused(StartFault.WEBHOOK_FAILED, "failed calling webhook", None),
    ),
    Case("no pod: rules refuse it", members=_refused(StartFault.POD_REFUSED, "violates PodSecurity", 60)),
    Case(
        "no pod: its ServiceAccount is missing",
        members=_refused(StartFault.SERVICE_ACCOUNT_NOT_FOUND, "serviceaccount not found", 60),
    ),
    Case("a pod that no node has room for", members=_starts(_unplaced("0/3 nodes are available"))),
    Case(
        "a pod whose claim does not exist",
        members=_starts(_unplaced('persistentvolumeclaim "data" not found')),
    ),
    Case(
        "a pod whose claim is not bound",
        members=_starts(_unplaced("pod has unbound immediate PersistentVolumeClaims")),
    ),
    Case("a pod whose containers are being made", members=_starts(_placed(_waits()))),
    Case("an image's name that is none", members=_starts(_placed(_waits("InvalidImageName", "…")))),
    Case("an image that does not exist", members=_starts(_placed(_waits("ErrImagePull", "not found")))),
    Case("a registry that refuses", members=_starts(_placed(_waits("ErrImagePull", "403 Forbidden")))),
    Case("a registry that does not answer", members=_starts(_placed(_waits("ErrImagePull", "no such host")))),
    Case(
        "a Secret that is missing",
        members=_starts(_placed(_waits("CreateContainerConfigError", 'secret "a" not found'))),
    ),
    Case(
        "a key that a Secret lacks",
        members=_starts(_placed(_waits("CreateContainerConfigError", "couldn't find key k in Secret a"))),
    ),
    Case(
        "a ConfigMap that is missing",
        members=_starts(_placed(_waits("CreateContainerConfigError", 'configmap "a" not found'))),
    ),
    Case(
        "a container that cannot be made",
        members=_starts(_placed(_waits("CreateContainerError", "no such device"))),
    ),
    Case(
        "a node that is too busy",
        members=_starts(_placed(_waits("CreateContainerError", "context deadline exceeded"))),
    ),
    Case("a cancel before the start", spec={"cancel": True}, members=_starts(_placed(_waits()))),
    Case(
        "an init container that failed",
        members=_starts(
            _pod(
                _waits("PodInitializing"),
                phase="Failed",
                initContainerStatuses=[{"name": "fetch", "state": _ends(7, "Error", "no such data")}],
            )
        ),
    ),
    Case(
        "data pools on their way into the pod",
        members=_starts(_placed(_waits("PodInitializing")), staging="Staging data pool x: 3 of 10 files, …"),
    ),
    Case("a data pool that is damaged", members=_staged(4, "The file a.csv is damaged.")),
    Case("a node whose disk is full", members=_staged(5, "The node has no room for the data pool x.")),
    Case(
        "a node that refuses the pod",
        status=_OFTEN_TRIED,
        members=_starts(_pod(phase="Failed", reason="OutOfcpu", message="Not enough cpu.")),
    ),
    Case(
        "a pod that was deleted before it had a node",
        status=_OFTEN_TRIED,
        members=_starts(_pod(node=None, deleted=99)),
    ),
)

_SILENT: Final = (
    {"type": "Ready", "status": "False", "lastTransitionTime": at(85)},
    {"type": "ContainersReady", "status": "True", "lastTransitionTime": at(10)},
)
"""A pod's conditions when Kubernetes hears nothing of its node."""

RUNNING: Final = (
    Case("a program that runs", status=_STARTED, members=_starts(_pod(_RUNS, _RUNS))),
    Case(
        "the same, with a timeout",
        spec={"timeout": "10m"},
        status=_STARTED,
        members=_starts(_pod(_RUNS, _RUNS)),
    ),
    Case(
        "a cancel while it runs", spec={"cancel": True}, status=_STARTED, members=_starts(_pod(_RUNS, _RUNS))
    ),
    Case(
        "a node that falls silent, while the program runs",
        status=_STARTED,
        members=_starts(_pod(_RUNS, _RUNS, conditions=_SILENT)),
    ),
    Case(
        "the same, after a cancel",
        spec={"cancel": True},
        status=_STARTED,
        members=_starts(_pod(_RUNS, _RUNS, conditions=_SILENT)),
    ),
    Case(
        "a pod that is being deleted, its node silent",
        status=_STARTED,
        members=_starts(_pod(_RUNS, _RUNS, conditions=_SILENT, deleted=190)),
    ),
    Case(
        "its Job was deleted, its pod is going",
        status=_STARTED,
        members={"pod": _pod(_RUNS, _RUNS, deleted=190)},
    ),
)

ENDED: Final = (
    Case("main has just ended", now=92, status=_STARTED, members=_starts(_pod(_ends(), _RUNS))),
    Case("output or log are not kept yet", status=_STARTED, members=_starts(_pod(_ends(), _RUNS))),
    Case(
        "the log is not kept yet", status=_COLLECTING, members=_starts(_pod(_ends(), _RUNS), **_kept("log"))
    ),
    Case(
        "the store does not answer",
        status=_COLLECTING,
        members=_starts(_pod(_ends(), _RUNS), results_unknown=True, store_away_since=at(0)),
    ),
    Case("all is kept", status=_STARTED, members=_starts(_pod(_ends(), _RUNS), **_kept())),
    Case(
        "the collector ended without a commit",
        status=_COLLECTING,
        members=_starts(_over(_ends()), **_kept("manifest")),
    ),
    Case("exit code 3", status=_STARTED, members=_starts(_over(_ends(3, "Error")), **_kept())),
    Case(
        "killed for its memory", status=_STARTED, members=_starts(_over(_ends(137, "OOMKilled")), **_kept())
    ),
    Case(
        "a program that cannot be executed",
        status=_JOB,
        members=_starts(_over(_ends(128, "StartError", "exec: no such file")), **_kept()),
    ),
    Case(
        "a variable that is too long",
        status=_JOB,
        members=_starts(_over(_ends(128, "StartError", "exec /a: argument list too long")), **_kept()),
    ),
    Case(
        "more output than the limit",
        status=_STARTED,
        members=_starts(
            _over(_ends()),
            **_kept(manifest=OutputManifest(pod_uid="pod", limit_exceeded=True, committed_at=at(91))),
        ),
    ),
    Case(
        "a main result that does not fit",
        status=_STARTED,
        members=_starts(_over(_ends()), **_kept(output_problem="/sum: …")),
    ),
    Case(
        "an end after a cancel",
        status={**_STARTED, "stopRequested": _CANCELLED},
        members=_starts(_over(_ends(143, "Error")), **_kept()),
    ),
    Case(
        "an end after the timeout",
        status={**_STARTED, "stopRequested": {**_CANCELLED, "reason": "Timeout"}},
        members=_starts(_over(_ends(143, "Error")), **_kept()),
    ),
    Case(
        "an end after a queue took its place back",
        status={**_STARTED, "stopRequested": {**_CANCELLED, "reason": "Preempted"}},
        members=_starts(_over(_ends(143, "Error")), **_kept()),
    ),
    Case(
        "a main result that cannot be read",
        status=_STARTED,
        members=_starts(_over(_ends()), **_kept(manifest=_WITHOUT_RESULT)),
    ),
    Case(
        "changes of a data pool that another writer was faster than",
        status=_STARTED,
        members=_starts(_over(_ends()), **_kept(manifest=_WITH_CONFLICT)),
    ),
    Case(
        "an end in time, told of after the timeout",
        spec={"timeout": "90s"},
        status={**_STARTED, "stopRequested": {**_CANCELLED, "reason": "Timeout"}},
        members=_starts(_over(_ends()), **_kept()),
    ),
    Case(
        "the node evicted the pod",
        status=_STARTED,
        members=_starts(_over(_ends(137, "Error"), reason="Evicted", message="Low on disk."), **_kept()),
    ),
    Case(
        "the node evicted the pod of a program that had ended well",
        status=_STARTED,
        members=_starts(_over(_ends(), reason="Evicted", message="Low on disk."), **_kept()),
    ),
    Case(
        "the pod was disrupted",
        status=_STARTED,
        members=_starts(
            _over(_ends(143, "Error"), conditions=[{"type": "DisruptionTarget", "status": "True"}]), **_kept()
        ),
    ),
    Case("the pod is gone", status=_STARTED, members={"job": _job(), **_kept("manifest")}),
    Case("Job and pod are gone", status=_STARTED, members=_kept("manifest")),
    Case("Job and pod are gone, the log is not kept", status=_STARTED),
    Case("the pod is gone, it never started", status=_JOB, members={"job": _job(ended="Failed")}),
)

_ON_3: Final = {"retry": {"maxAttempts": 3, "onExitCodes": [3]}}
_ATTEMPT: Final = {
    "attempt": 1,
    "reason": "ProgramFailed",
    "message": "The program failed. Its exit code is 3.",
    "job": _JOB["job"],
    "pod": _STARTED["pod"],
    "startTime": at(10),
    "endTime": at(95),
}
_BETWEEN: Final = {
    "phase": "Pending",
    "reason": "Retrying",
    "since": at(95),
    "attempts": 1,
    "earlierAttempts": [_ATTEMPT],
}
_SECOND: Final = {
    **_STARTED,
    "attempts": 2,
    "earlierAttempts": [
        {**_ATTEMPT, "job": {"name": "sum-0a1b2c3d-1", "uid": "job-1"}, "pod": {**_POD, "uid": "pod-1"}}
    ],
}

ATTEMPTS: Final = (
    Case(
        "a node that refuses the pod, for the first time",
        members=_starts(_pod(phase="Failed", reason="OutOfcpu")),
    ),
    Case(
        "exit code 3, which the spec names",
        spec=_ON_3,
        status=_STARTED,
        members=_starts(_over(_ends(3, "Error")), **_kept()),
    ),
    Case(
        "killed for its memory, which the spec lets grow",
        spec={"retry": {"maxAttempts": 3, "onOutOfMemory": {"memoryFactor": 2, "maxMemory": "2Gi"}}},
        status=_STARTED,
        members=_starts(
            _over(_ends(137, "OOMKilled")).model_copy(update={"spec": PodSpecView(memory_limit="512Mi")}),
            **_kept(),
        ),
    ),
    Case(
        "a queue took its place back, and the spec lets it run again",
        spec={"queueName": "q", "retry": {"maxAttempts": 3, "onReasons": ["Preempted"]}},
        status={**_STARTED, "stopRequested": {**_CANCELLED, "reason": "Preempted"}},
        members={"job": _job(suspended=True), "pod": _over(_ends(143, "Error")), **_kept()},
    ),
    Case("the Job of before is there", spec=_ON_3, status=_BETWEEN, members={"left_job": _job()}),
    Case("a pod of before has not ended", spec=_ON_3, status=_BETWEEN, members={"left_pod_runs": True}),
    Case("nothing is left of the attempt before", spec=_ON_3, status=_BETWEEN),
    Case("the pause is over", now=105, spec=_ON_3, status=_BETWEEN),
    Case("a cancel between two attempts", spec={**_ON_3, "cancel": True}, status=_BETWEEN),
    Case(
        "exit code 3 in the last attempt",
        spec={"retry": {"maxAttempts": 2, "onExitCodes": [3]}},
        status=_SECOND,
        members=_starts(_over(_ends(3, "Error")), **_kept()),
    ),
    Case(
        "exit code 4, which the spec does not name, in the second attempt",
        spec=_ON_3,
        status=_SECOND,
        members=_starts(_over(_ends(4, "Error")), **_kept()),
    ),
)

GROUPS: Final = {
    "Before there is a Job": WITHOUT_JOB,
    "With a Job, before the program runs": STARTING,
    "While the program runs": RUNNING,
    "After the program": ENDED,
    "Another attempt": ATTEMPTS,
}
