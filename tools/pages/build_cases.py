"""Each reason of a build, as it comes about: what is seen then, with the words of the tools. Real code judges it."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from serviceexecution.builder.failures.errors import BuildError
from serviceexecution.builder.failures.registry_failures import push_error
from serviceexecution.builder.failures.tool_failures import tool_error
from serviceexecution.builder.project.dockerfile import prepare
from serviceexecution.builder.project.python_project import look_at
from serviceexecution.builds.decide import decide, wanted_by
from serviceexecution.builds.names import build_job_name
from serviceexecution.builds.observation import BuildObservation
from serviceexecution.builds.outcome import BuildDecision
from serviceexecution.builds.reasons import BuildReason
from serviceexecution.builds.settings import Builder, BuildsSettings
from serviceexecution.resources.pods.observed import JobView, PodView
from serviceexecution.resources.pods.pod_start import StartFault, StartProblem
from serviceexecution.resources.services.definition import ServiceDefinition
from serviceexecution.store.records import BuildReport, LogRecord

_ZERO: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
_UID: Final = "0a1b2c3d-0000-4000-8000-000000000001"
_DIGEST: Final = f"sha256:{'1' * 64}"
_IMAGE: Final = "registry.example.com/team/sum:r1"
_SETTINGS: Final = BuildsSettings.model_validate(
    {
        "image": "registry.example.com/builder:1",
        "pythonImage": "registry.example.com/python:{version}-1",
        "registry": {"address": "registry.example.com"},
    }
)
_INSTALL: Final = "RUN uv pip install --python /opt/venv/bin/python --requirement requirements.txt"


@dataclass(frozen=True)
class BuildCase:
    """One build of the service ``sum`` as it is found."""

    seen: str
    revision: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    main: dict[str, Any] | None = None
    report: BuildReport | None = None
    pod: dict[str, Any] = field(default_factory=dict)
    now: float = 100


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after the service's creation."""
    return _ZERO + timedelta(seconds=seconds)


def definition(case: BuildCase, status: dict[str, Any] | None = None) -> ServiceDefinition:
    """Return the service of a case."""
    return ServiceDefinition.model_validate(
        {
            "metadata": {
                "name": "sum",
                "namespace": "team",
                "uid": _UID,
                "resourceVersion": "1",
                "generation": 1,
                "creationTimestamp": at(0),
            },
            "spec": {"runtime": {"python": {}}, "source": {"archive": {"digest": _DIGEST}}, **case.spec},
            "status": status or {},
        }
    )


def decided(case: BuildCase) -> BuildDecision:
    """Return what is decided about a case."""
    bare = definition(case)
    wanted = wanted_by(BuildObservation(bare, at(100), settings=_SETTINGS, builder=Builder.BUILDKIT))
    assert wanted is not None  # noqa: S101 - for the type checker
    job = {"name": build_job_name(bare.metadata, "r1", 3), "uid": "job"}
    waits = case.main is None and not case.pod and not {"refused", "creation_problem"} & set(case.members)
    revision = {
        "name": "r1",
        "key": wanted.key,
        "attemptKey": wanted.attempt_key,
        "phase": "Pending" if waits else "Building",
        "reason": "Queued" if waits else "Starting",
        "sourceDigest": _DIGEST,
        "startTime": at(1),
        "attempts": 0 if waits else 3,
        "job": None if waits or "refused" in case.members else job,
        **case.revision,
    }
    one = definition(case, {"lastRevision": 1, "revisions": [revision]})
    members: dict[str, Any] = {"settings": _SETTINGS, "builder": Builder.BUILDKIT, **case.members}
    if not waits and "refused" not in case.members:
        meta = {"namespace": "team", "resourceVersion": "1", "creationTimestamp": at(3)}
        members["jobs"] = (JobView.model_validate({"metadata": {**job, **meta}}),)
        if "creation_problem" not in case.members:
            members["pods"] = {"job": _pod(case, meta)}
            members["logs"] = {"r1": LogRecord(attempt=3, pod_uid="p", bytes=9, lines=1, committed_at=at(95))}
    return decide(BuildObservation(one, at(case.now), report=case.report, **members))


def _pod(case: BuildCase, meta: dict[str, Any]) -> PodView:
    containers = [{"name": "main", "state": case.main}] if case.main else []
    status = {"phase": "Pending", "containerStatuses": containers, **case.pod}
    return PodView.model_validate(
        {"metadata": {"name": "pod", "uid": "pod", **meta}, "spec": {}, "status": status}
    )


def _ends(code: int = 1, reason: str = "Error", message: str = "") -> dict[str, Any]:
    times = {"startedAt": at(10), "finishedAt": at(90)}
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, **times}}


def _reported(reason: BuildReason, message: str = "") -> BuildCase:
    """Return the case of a builder that reports a reason with its own sentence."""
    report = BuildReport(job_uid="job", succeeded=False, reason=reason.value, message=message)
    return BuildCase("the builder reports it", main=_ends(), report=report)


def _of(error: BuildError) -> BuildCase:
    return _reported(BuildReason(error.reason.value), error.message)


def _raised(look: Callable[[Path], object], files: dict[str, str]) -> BuildCase:
    """Return the case of a project with those files, which the builder refuses."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        try:
            look(Path(folder))
        except BuildError as error:
            return _of(error)
    raise AssertionError("the builder took it")


def _step(step: str, *printed: str, code: int = 1, python: bool = False) -> BuildCase:
    """Return the case of an instruction that fails, as BuildKit prints it."""
    lines = [
        f"#7 [build 3/4] {step}",
        *(f"#7 0.{number:03d} {line}" for number, line in enumerate(printed)),
        f'#7 ERROR: process "/bin/sh -c {step}" did not complete successfully: exit code: {code}',
        f'ERROR: failed to solve: process "/bin/sh -c {step}" did not complete successfully: exit code: {code}',
    ]
    return _of(tool_error("buildkit", lines, python=python))


def _installing(*printed: str) -> BuildCase:
    return _step(_INSTALL, *printed, python=True)


def _solved(error: str) -> BuildCase:
    return _of(tool_error("buildkit", [f"ERROR: failed to solve: {error}"]))


def _pushed(error: str) -> BuildCase:
    return _of(push_error(_IMAGE, [f"error: failed to push {_IMAGE}: {error}"]))


_ENTRY: Final = "user_code.src.program:run"


def _refused(fault: StartFault, text: str) -> BuildCase:
    return BuildCase(
        "the pod cannot be made",
        members={"creation_problem": StartProblem(fault, text, 60)},
        revision={"reason": fault.value, "since": at(0), "message": ""},
    )


def _mount(fault: StartFault, text: str) -> BuildCase:
    return BuildCase(
        "what the pod mounts is missing",
        main={"waiting": {"reason": "ContainerCreating"}},
        members={"mount_problem": StartProblem(fault, text, 60)},
        revision={"reason": fault.value, "since": at(0), "message": ""},
    )


_NOT_FOUND: Final = (
    "error: No solution found when resolving dependencies",
    "  cause: Because there is no version of requests==99.1 and you require requests==99.1, we can conclude …",
)
_CONFLICT: Final = (
    "error: No solution found when resolving dependencies",
    "  cause: Because you require pydantic==2.9.0 and pydantic==2.10.0, we can conclude that …",
)
_NO_COMPILER: Final = (
    "error: Failed to build `numpy==1.16.0`",
    "  cause: The build backend returned an error",
    "  cause: Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)",
    "         error: command 'gcc' failed: No such file or directory",
)


def build_cases() -> tuple[BuildCase, ...]:
    """Return a case of each reason."""
    succeeded = BuildReport(job_uid="job", succeeded=True, reason="Succeeded", image_digest=_DIGEST)
    runs = {"running": {"startedAt": at(10)}}
    stop: dict[str, Any] = {"stopTime": at(10), "buildTime": at(5)}
    return (
        BuildCase("no archive", members={"source_missing": True}),
        BuildCase("others come first", members={"before": 2}),
        BuildCase("a pod whose container is being made", main={"waiting": {"reason": "ContainerCreating"}}),
        BuildCase("it runs", main=runs),
        BuildCase("it succeeded", main=_ends(0, "Completed"), report=succeeded),
        BuildCase("a cancel while it waits", spec={"build": {"cancel": "r1"}}, members={"before": 2}),
        BuildCase("another source is wanted", revision={"key": "of an older source"}, main=runs),
        _raised(lambda folder: look_at(folder, _ENTRY), {"program.py": ""}),
        _raised(lambda folder: look_at(folder, _ENTRY), {"requirements.txt": "", "src/main.py": ""}),
        _raised(lambda folder: prepare(folder, "Dockerfile", folder, "buildkit"), {"main.c": ""}),
        _solved("dockerfile parse error on line 2: unknown instruction: RUNN"),
        _solved(
            "alpine:nowhere: failed to resolve source metadata for docker.io/library/alpine:nowhere: not found"
        ),
        _installing(*_NOT_FOUND),
        _installing(*_CONFLICT),
        _installing(*_NO_COMPILER),
        _step("RUN make", "make: *** No targets specified and no makefile found.  Stop.", code=2),
        *(_reported(reason) for reason in _SAID_BY_BUILDER),
        BuildCase("killed for its memory", main=_ends(137, "OOMKilled")),
        BuildCase("told to end", main=_ends(143), revision={**stop, "reason": "Timeout", "message": _TOLD}),
        _pushed("failed to do request: Head: dial tcp: lookup registry.example.com: no such host"),
        _pushed("unauthorized: authentication required"),
        _pushed("unexpected status: 507 Insufficient Storage"),
        BuildCase("no builder", members={"builder": None, "no_builder": "Set builds.seccompProfile."}),
        BuildCase("an end without a word", main=_ends(1, message="ValueError: x")),
        BuildCase("evicted", main=_ends(137), pod={"reason": "Evicted", "message": "Low on disk."}),
        BuildCase("deleted", main=_ends(137, "ContainerStatusUnknown")),
        BuildCase("it cannot be executed", main=_ends(128, "StartError", "exec: no such file")),
        BuildCase(
            "no image's name", main={"waiting": {"reason": "InvalidImageName", "message": "no reference"}}
        ),
        *(_pull(text) for text in ("not found", "403 Forbidden", "no such host")),
        BuildCase("no node has room", pod=_unplaced("0/3 nodes are available")),
        BuildCase(
            "a claim that is not bound", pod=_unplaced("pod has unbound immediate PersistentVolumeClaims")
        ),
        BuildCase("it never starts", main={"waiting": {"reason": "ContainerCreating"}}, now=700),
        _mount(StartFault.SECRET_NOT_FOUND, 'secret "login" not found'),
        _mount(StartFault.SECRET_KEY_NOT_FOUND, "references non-existent secret key: netrc"),
        _mount(StartFault.CONFIG_MAP_NOT_FOUND, 'configmap "build-ca" not found'),
        BuildCase("a claim that does not exist", pod=_unplaced('persistentvolumeclaim "cache" not found')),
        _refused(StartFault.SERVICE_ACCOUNT_NOT_FOUND, "serviceaccount not found"),
        _refused(StartFault.POD_REFUSED, "violates PodSecurity"),
        _refused(StartFault.QUOTA_EXCEEDED, "exceeded quota: compute"),
        _refused(StartFault.WEBHOOK_FAILED, "failed calling webhook"),
    )


_TOLD: Final = (
    "The build took longer than its timeout and was stopped. Its timeout is 30m: raise spec.build.timeout if it needs "
    "longer."
)
_SAID_BY_BUILDER: Final = (
    BuildReason.SOURCE_TOO_LARGE,
    BuildReason.GIT_FAILED,
    BuildReason.SYNTAX_ERROR,
    BuildReason.IMPORT_FAILED,
    BuildReason.SIGNATURE_INVALID,
    BuildReason.IMAGE_TOO_LARGE,
)


def _pull(message: str) -> BuildCase:
    return BuildCase(
        "the builder's image cannot be pulled",
        main={"waiting": {"reason": "ErrImagePull", "message": message}},
    )


def _unplaced(message: str) -> dict[str, Any]:
    return {"conditions": [{"type": "PodScheduled", "status": "False", "message": message}]}
