"""Builds what a decision about a service's builds is made from, so that a test states only what matters to it.

Times are seconds after ``at(0)``, when the service was created. Objects fit together: one service, its revision r1,
that revision's first Job, that Job's pod.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from serviceexecution.builds.decide import decide, wanted_by
from serviceexecution.builds.names import build_job_name, build_labels
from serviceexecution.builds.observation import BuildObservation
from serviceexecution.builds.outcome import BuildDecision
from serviceexecution.builds.settings import Builder, BuildsSettings
from serviceexecution.resources.executions.execution import ObjectMeta
from serviceexecution.resources.executions.execution_status import JobReference
from serviceexecution.resources.names import DEFINITION_KIND
from serviceexecution.resources.pods.observed import (
    ChildMeta,
    ConditionView,
    ContainerStateView,
    ContainerView,
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
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.resources.services.definition_status import (
    Revision,
    RevisionPhase,
    ServiceDefinitionStatus,
)
from serviceexecution.store.records import BuildReport, LogRecord

UID: Final = "0a1b2c3d-0000-4000-8000-000000000001"
IMAGE_DIGEST: Final = f"sha256:{'1' * 64}"
_ZERO: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after the service was created."""
    return _ZERO + timedelta(seconds=seconds)


def digest(letter: str) -> str:
    """Return an archive's digest, told from others by a hexadecimal digit."""
    return f"sha256:{letter * 64}"


def settings(**members: Any) -> BuildsSettings:
    """Return the installation's settings."""
    given: dict[str, Any] = {
        "image": "registry.example/builder:1",
        "pythonImage": "registry.example/python:{version}-1",
        "registry": {"address": "localhost:30500", "pushAddress": "registry.sx.svc:5000", "insecure": True},
        **members,
    }
    return BuildsSettings.model_validate(given)


SETTINGS: Final = settings()


def docker_spec(letter: str = "a", /, **members: Any) -> dict[str, Any]:
    """Return the spec of a service that is built by its Dockerfile from the archive of that digest."""
    return {
        "runtime": {"docker": {"build": {}}},
        "source": {"archive": {"digest": digest(letter)}},
        **members,
    }


def python_spec(letter: str = "a", /, **members: Any) -> dict[str, Any]:
    """Return the spec of a service that is a Python project."""
    return {"runtime": {"python": {}}, "source": {"archive": {"digest": digest(letter)}}, **members}


def definition(
    status: ServiceDefinitionStatus | None = None,
    *,
    generation: int = 1,
    deleted: bool = False,
    name: str = "adder",
    spec: dict[str, Any] | None = None,
    **members: Any,
) -> ServiceDefinition:
    """Return a service that is built by its Dockerfile, with these members of its spec."""
    return ServiceDefinition.model_validate(
        {
            "metadata": ObjectMeta(
                name=name,
                namespace="team",
                uid=UID,
                resource_version="1",
                generation=generation,
                creation_timestamp=at(0),
                deletion_timestamp=at(1) if deleted else None,
            ),
            "spec": {**(docker_spec() if spec is None else spec), **members},
            "status": status or ServiceDefinitionStatus(),
        }
    )


def key_of(one: ServiceDefinition, of: BuildsSettings = SETTINGS) -> str:
    """Return the key of what the service wants."""
    wanted = wanted_by(BuildObservation(one, at(0), settings=of, builder=Builder.BUILDKIT))
    assert wanted is not None
    return wanted.key


def attempt_key_of(one: ServiceDefinition, of: BuildsSettings = SETTINGS) -> str:
    """Return the key of what an attempt may fail by."""
    wanted = wanted_by(BuildObservation(one, at(0), settings=of, builder=Builder.BUILDKIT))
    assert wanted is not None
    return wanted.attempt_key


def revision(
    phase: RevisionPhase = RevisionPhase.PENDING, reason: str = "", *, name: str = "r1", **members: Any
) -> Revision:
    """Return a revision of what ``definition()`` wants."""
    known: dict[str, Any] = {
        "name": name,
        "key": key_of(definition()),
        "attempt_key": attempt_key_of(definition()),
        "phase": phase,
        "reason": reason or ("Queued" if phase is RevisionPhase.PENDING else phase.value),
        "message": "Said before.",
        "source_digest": digest("a"),
        "start_time": at(1),
    }
    if phase is RevisionPhase.SUCCEEDED:
        known |= {
            "image": f"localhost:30500/team/adder@{IMAGE_DIGEST}",
            "image_digest": IMAGE_DIGEST,
            "completion_time": at(60),
            "attempts": 1,
        }
    return Revision.model_validate({**known, **members})


def building(*, name: str = "r1", attempts: int = 1, recorded: bool = True, **members: Any) -> Revision:
    """Return a revision that is being built, its Job recorded."""
    known: dict[str, Any] = {
        "reason": "Building",
        "attempts": attempts,
        "attempt_time": at(2),
        "builder": "buildkit",
        "job": JobReference(name=job_name(name, attempts), uid=job_uid(name, attempts)) if recorded else None,
    }
    return revision(RevisionPhase.BUILDING, name=name, **{**known, **members})


def status(
    *revisions: Revision, serving: str | None = None, last: int | None = None
) -> ServiceDefinitionStatus:
    """Return a status that lists these revisions, newest first."""
    numbers = [int(one.name[1:]) for one in revisions]
    return ServiceDefinitionStatus(
        revision=serving,
        image=next((one.image for one in revisions if one.name == serving), None),
        last_revision=last if last is not None else max(numbers, default=0),
        revisions=revisions,
    )


def job_name(name: str = "r1", attempt: int = 1) -> str:
    """Return the name of an attempt's Job."""
    return build_job_name(definition().metadata, name, attempt)


def job_uid(name: str = "r1", attempt: int = 1) -> str:
    """Return the uid of an attempt's Job."""
    return f"job-{name}-{attempt}"


def job(name: str = "r1", attempt: int = 1, *, created: float = 3, ended: str = "") -> JobView:
    """Return an attempt's Job; ``ended`` is its terminal condition's type."""
    owner = OwnerView(kind=DEFINITION_KIND, name="adder", uid=UID, controller=True)
    return JobView(
        metadata=_child(
            job_name(name, attempt), job_uid(name, attempt), owner, name, attempt, created=created
        ),
        status=JobStatusView(
            start_time=at(created),
            conditions=(ConditionView(type=ended, status="True"),) if ended else (),
        ),
    )


def pod(
    main: ContainerStateView | None = None,
    *,
    name: str = "r1",
    attempt: int = 1,
    phase: str = "",
    reason: str = "",
    message: str = "",
    deadline: int | None = None,
    conditions: tuple[ConditionView, ...] = (),
) -> PodView:
    """Return the pod of an attempt; its phase follows from its container unless given."""
    of = job(name, attempt)
    owner = OwnerView(kind="Job", name=of.metadata.name, uid=of.metadata.uid, controller=True)
    follows = "Pending"
    if main is not None and main.running is not None:
        follows = "Running"
    if main is not None and main.terminated is not None:
        follows = "Succeeded" if main.terminated.exit_code == 0 else "Failed"
    return PodView(
        metadata=_child(
            f"{of.metadata.name}-x7k2p", f"pod-{name}-{attempt}", owner, name, attempt, created=4
        ),
        spec=PodSpecView(node_name="node-1" if main else None, active_deadline_seconds=deadline),
        status=PodStatusView(
            phase=phase or follows,
            reason=reason,
            message=message,
            conditions=conditions,
            container_statuses=(ContainerView(name="main", state=main),) if main is not None else (),
        ),
    )


def _child(
    name: str, uid: str, owner: OwnerView, revision_name: str, attempt: int, *, created: float
) -> ChildMeta:
    labels = build_labels(definition().metadata, revision_name, attempt)
    return ChildMeta(
        name=name,
        namespace="team",
        uid=uid,
        resource_version="1",
        creation_timestamp=at(created),
        labels={key: str(value) for key, value in labels.items()},
        owner_references=(owner,),
    )


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
    return ContainerStateView(
        terminated=TerminatedView(
            exit_code=code,
            reason=reason or ("Completed" if code == 0 else "Error"),
            message=message,
            started_at=None if since is None else at(since),
            finished_at=None if until is None else at(until),
        )
    )


def report(reason: str = "Succeeded", *, name: str = "r1", attempt: int = 1, **members: Any) -> BuildReport:
    """Return what an attempt's pod reported."""
    known: dict[str, Any] = {
        "job_uid": job_uid(name, attempt),
        "succeeded": reason == "Succeeded",
        "reason": reason,
        "source_digest": digest("a"),
    }
    if reason == "Succeeded":
        known |= {"image_digest": IMAGE_DIGEST, "image_bytes": 1234}
    return BuildReport.model_validate({**known, **members})


def log(*, attempt: int = 1, complete: bool = True) -> LogRecord:
    """Return a committed log."""
    return LogRecord(
        attempt=attempt, pod_uid="pod", bytes=120, lines=3, complete=complete, committed_at=at(16)
    )


def observation(one: ServiceDefinition | None = None, *, now: float = 20, **members: Any) -> BuildObservation:
    """Return what is seen at ``now``; ``pod`` and ``log`` are those of r1's first attempt."""
    known: dict[str, Any] = {"settings": SETTINGS, "builder": Builder.BUILDKIT}
    if (seen_pod := members.pop("pod", None)) is not None:
        known["jobs"] = (job(),)
        known["pods"] = {job_uid(): seen_pod}
    if (seen_log := members.pop("log", None)) is not None:
        known["logs"] = {"r1": seen_log}
    return BuildObservation(one or definition(), at(now), **{**known, **members})


def decided(one: ServiceDefinition | None = None, *, now: float = 20, **members: Any) -> BuildDecision:
    """Return the decision about what is seen at ``now``."""
    return decide(observation(one, now=now, **members))


def condition(decision: BuildDecision, type_: str) -> tuple[str, str, str]:
    """Return status, reason and message of a condition."""
    found = next(one for one in decision.status.conditions if one.type == type_)
    return found.status, found.reason, found.message
