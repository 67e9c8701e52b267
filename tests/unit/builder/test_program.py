"""The real program as a process, with a gateway on loopback and tools that do what a test says."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.builder.fake_gateway import FakeGateway
from tests.unit.builder.support import data_lines, request_fields, tar_gz, write_files

OPERATOR = Path(__file__).parents[3] / "operator"
DIGEST = "sha256:" + "d" * 64
IMAGE = "127.0.0.1:9/team/adder"
PYTHON = {
    "baseImage": "ghcr.io/serviceexecution/python:3.11-0.1.0",
    "entryPoint": "user_code.src.program:run",
}
PROJECT = {"requirements.txt": "numpy\n", "src/program.py": "def run(): ...\n"}
GOOD = json.dumps(
    {"ok": True, "reason": "Succeeded", "inputSchema": {"type": "object"}, "outputSchema": None}
)


@dataclass
class Pod:
    """The builder's pod, as a directory."""

    directory: Path
    gateway: FakeGateway

    def __post_init__(self):
        tools = self.directory / "tools"
        tools.mkdir()
        text = f"#!{sys.executable} -IS\n" + (Path(__file__).parent / "fake_tool.py").read_text()
        for name in ("rootlesskit", "buildctl", "buildah"):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        for name in ("buildkit-runc", "crun"):
            (tools / name).write_text("")
            (tools / name).chmod(0o755)
        (self.directory / "work").mkdir()
        (self.directory / "token").write_text("token")
        self.plan()

    def plan(self, **actions):
        """Say what the tools do: for each action a list, the last of which is done again and again."""
        (self.directory / "tools/plan.json").write_text(json.dumps(actions))

    def start(self, files=None, **changes):
        archive = tar_gz({"Dockerfile": "FROM x\nRUN y\n"} if files is None else files)
        self.gateway.source = archive
        request = request_fields(
            gatewayUrl=self.gateway.url,
            tokenFile=str(self.directory / "token"),
            source={"archive": {"digest": f"sha256:{hashlib.sha256(archive).hexdigest()}"}},
            image=f"{IMAGE}:r3",
            cacheImage=f"{IMAGE}:cache",
            registry={"insecure": ["127.0.0.1:9"], "mirrors": {}, "config": True},
        )
        request = {name: value for name, value in (request | changes).items() if value is not None}
        environment = {
            "SX_BUILD_REQUEST": json.dumps(request),
            "SX_BUILD_DIRECTORY": str(self.directory / "work"),
            "SX_BUILD_MOUNTS": str(self.directory / "mounts"),
            "SX_BUILD_CACHE": str(self.directory / "cache"),
            "SX_TERMINATION_LOG": str(self.directory / "termination"),
            "PATH": f"{self.directory}/tools:{os.environ['PATH']}",
            "PYTHONPATH": str(OPERATOR),
        }
        return subprocess.Popen(
            [sys.executable, "-S", "-m", "serviceexecution.builder.main"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, files=None, **changes):
        """Run to the end; returns exit code and log."""
        process = self.start(files, **changes)
        log, _ = process.communicate(timeout=60)
        return process.returncode, log

    @property
    def report(self):
        (report,) = self.gateway.reports
        return json.loads(report)

    @property
    def calls(self):
        """What the tools were asked, in order."""
        path = self.directory / "tools/calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def call(self, action):
        """Return the last call of that kind."""
        return next(call for call in reversed(self.calls) if call["action"] == action)

    @property
    def actions(self):
        return [call["action"] for call in self.calls]


@pytest.fixture
def pod(tmp_path, fake_gateway):
    return Pod(tmp_path, fake_gateway)


def test_a_dockerfile_with_buildkit(pod):
    code, log = pod.run(docker={"dockerfile": "Dockerfile", "target": "web", "args": {"A": "1"}})

    assert code == 0, log
    assert pod.actions == ["daemon", "build", "push"]
    assert pod.report["succeeded"] is True
    assert pod.report["imageDigest"] == DIGEST
    assert pod.report["imageBytes"] == 777
    assert set(pod.report["seconds"]) == {"source", "build", "push"}
    assert json.loads((pod.directory / "termination").read_text())["imageDigest"] == DIGEST
    lines = log.splitlines()
    assert lines[0].startswith("source: fetching the archive sha256:")
    assert "build of a fake" in lines
    assert f"push: {IMAGE}:r3" in lines
    assert lines[-1].startswith(f"Done: image {IMAGE}@{DIGEST} in ")
    arguments = " ".join(pod.call("push")["arguments"])
    assert f"--output type=image,name={IMAGE}:r3,push=true,compression=gzip,compression-level=1" in arguments
    assert f"--export-cache type=registry,ref={IMAGE}:cache,mode=max," in arguments
    assert ",ignore-error=true" in arguments
    assert "--opt target=web --opt build-arg:A=1" in arguments
    for action in ("build", "push"):
        assert f"--import-cache type=registry,ref={IMAGE}:cache" in " ".join(pod.call(action)["arguments"])


def test_a_dockerfile_with_buildah(pod):
    code, log = pod.run(builder="buildah")

    assert code == 0, log
    assert pod.actions == ["build", "push"]
    assert pod.report["imageDigest"] == DIGEST
    assert pod.call("build")["dockerfile"] == "FROM x\nRUN y\n"
    assert pod.call("push")["arguments"][-1] == f"docker://{IMAGE}:r3"


@pytest.mark.parametrize("builder", ["buildkit", "buildah"])
def test_the_builder_builds_a_python_project(pod, builder):
    pod.plan(export=[{"report": GOOD}])

    code, log = pod.run(PROJECT, builder=builder, docker=None, python=PYTHON)

    assert code == 0, log
    assert [one for one in pod.actions if one not in {"daemon", "cache"}] == ["export", "build", "push"]
    assert pod.report["inputSchema"] == {"type": "object"}
    assert "check: the project can run" in log
    assert "build: qhub-commons is installed beside the requirements" in log
    words = " ".join(pod.call("export")["arguments"])
    assert ("target=report" if builder == "buildkit" else "--target report") in words


def test_the_result_of_a_check_is_remembered_when_the_project_can_run(pod):
    pod.plan(export=[{"report": GOOD}])

    code, log = pod.run(PROJECT, docker=None, python=PYTHON)

    assert code == 0, log
    words = " ".join(pod.call("cache")["arguments"])
    assert f"--export-cache type=registry,ref={IMAGE}:cache-check,mode=min,ignore-error=true" in words
    assert "--output" not in words
    assert f"--import-cache type=registry,ref={IMAGE}:cache " in words + " "
    assert "cache of a fake" not in log
    assert f"ref={IMAGE}:cache-check" in " ".join(pod.call("export")["arguments"])


def test_a_python_project_that_cannot_run(pod):
    report = {"ok": False, "reason": "SyntaxError", "message": "src/program.py:1: invalid syntax"}
    pod.plan(export=[{"report": json.dumps(report)}])

    code, log = pod.run(PROJECT, docker=None, python=PYTHON)

    assert code == 1
    assert (pod.report["reason"], pod.report["message"]) == (
        "SyntaxError",
        "src/program.py:1: invalid syntax.",
    )
    assert pod.actions == ["daemon", "export"]
    assert log.splitlines()[-1] == "Failed: SyntaxError: src/program.py:1: invalid syntax."


@pytest.mark.parametrize(
    ("files", "changes", "reason"),
    [
        ({"src/program.py": ""}, {"docker": None, "python": PYTHON}, "SourceInvalid"),
        ({"requirements.txt": ""}, {"docker": None, "python": PYTHON}, "EntryPointMissing"),
        ({"x": ""}, {}, "DockerfileMissing"),
        ({"Dockerfile": "FROM x\n"}, {"subPath": "nosuch"}, "SourceInvalid"),
        ({"../x": ""}, {}, "SourceInvalid"),
    ],
)
def test_what_is_wrong_with_a_source_is_said_before_a_tool_starts(pod, files, changes, reason):
    code, _ = pod.run(files, **changes)

    assert code == 1
    assert pod.report["reason"] == reason
    assert pod.report["imageDigest"] is None
    assert pod.calls == []


@pytest.mark.parametrize("builder", ["buildkit", "buildah"])
def test_a_step_that_fails(pod, builder):
    lines = data_lines(builder, "runfails")
    pod.plan(build=[{"print": "\n".join(lines) + "\n", "code": 1}])

    code, log = pod.run(builder=builder)

    assert code == 1
    assert pod.report["reason"] == "StepFailed"
    assert pod.report["step"] == "RUN echo one && echo two >&2 && echo three && exit 3"
    assert "three" in log
    assert "push" not in pod.actions


def test_a_push_that_works_at_the_second_try(pod):
    pod.plan(push=[{"print": "error: failed to solve: connect: connection refused\n", "code": 1}, {}])

    code, log = pod.run()

    assert code == 0, log
    assert pod.actions.count("push") == 2


def test_a_registry_that_does_not_take_the_image(pod):
    pod.plan(push=[{"print": "\n".join(data_lines("push", "readonly.buildkit")), "code": 1}])

    code, _ = pod.run()

    assert code == 1
    assert pod.report["reason"] == "RegistryRefused"
    assert pod.actions.count("push") == 1


def test_an_image_that_is_too_large_is_not_pushed(pod):
    limits = {"archiveBytes": 1 << 20, "contextBytes": 1 << 20, "contextFiles": 9, "imageBytes": 776}

    code, _ = pod.run(limits=limits)

    assert code == 1
    assert pod.report["reason"] == "ImageTooLarge"
    assert "push" not in pod.actions


def test_secrets_reach_the_tool_as_files_and_nobody_else(pod):
    write_files(
        pod.directory / "mounts",
        {
            "secrets/npm": "npm-secret\n",
            "registry/config.json": '{"auths": {"x": {"auth": "YTpsb2dpbi1zZWNyZXQ="}}}',
        },
    )
    error = 'error: failed to solve: process "x" did not complete successfully: exit code: 1\n'
    said = "#5 [2/2] RUN y\n#5 0.1 npm-secret and login-secret\n#5 ERROR: process x: exit code: 1\n" + error
    pod.plan(build=[{"print": said, "code": 1}])

    code, log = pod.run()

    assert code == 1
    assert "#5 0.1 *** and ***" in log
    for text in (log, json.dumps(pod.report), (pod.directory / "termination").read_text()):
        assert "npm-secret" not in text
        assert "login-secret" not in text
    call = pod.call("build")
    assert f"id=npm,src={pod.directory}/mounts/secrets/npm" in call["arguments"]
    assert call["environment"]["DOCKER_CONFIG"] == str(pod.directory / "mounts/registry")
    assert "SX_BUILD_REQUEST" not in call["environment"]


def test_proxies_and_certificates_reach_the_build(pod):
    pod.gateway.bundle = b"-----BEGIN CERTIFICATE-----\nOURS\n-----END CERTIFICATE-----\n"

    code, log = pod.run(environment={"HTTPS_PROXY": "http://proxy:3128", "OTHER": "x"})

    assert code == 0, log
    call = pod.call("build")
    assert "build-arg:https_proxy=http://proxy:3128" in call["arguments"]
    assert "build-arg:OTHER=x" in call["arguments"]
    assert call["environment"]["HTTPS_PROXY"] == "http://proxy:3128"
    assert b"OURS" in Path(call["environment"]["SSL_CERT_FILE"]).read_bytes()
    assert f"--oci-worker-binary={pod.directory}/work/runtime" in pod.call("daemon")["arguments"]


def test_settings_of_the_index_are_secrets_of_the_installation(pod):
    write_files(pod.directory / "mounts/index", {"uv.toml": "", "netrc": "machine x password netrc-secret"})
    pod.plan(export=[{"report": GOOD}])

    code, log = pod.run(
        PROJECT,
        builder="buildah",
        docker=None,
        python=PYTHON,
        environment={"UV_DEFAULT_INDEX": "https://index.example"},
    )

    assert code == 0, log
    call = pod.call("build")
    secrets = [word for word in call["arguments"] if word.startswith("id=")]
    assert [word.partition(",")[0] for word in secrets] == ["id=uv.toml", "id=netrc", "id=environment"]
    assert "index.example" not in call["dockerfile"] + " ".join(call["arguments"])
    assert not (pod.directory / "work/environment").exists()


def test_the_cache_volume_is_used_where_there_is_one(pod):
    (pod.directory / "cache").mkdir()

    code, log = pod.run()

    assert code == 0, log
    arguments = pod.call("daemon")["arguments"]
    assert str(pod.directory / "cache/buildkit") in arguments
    assert "--oci-worker-gc=false" not in arguments


def test_a_daemon_that_does_not_start(pod):
    said = "[rootlesskit:parent] error: failed to start the child: fork/exec /proc/self/exe: operation not permitted\n"
    pod.plan(daemon=[{"print": said, "code": 1}])

    code, log = pod.run()

    assert code == 1
    assert pod.report["reason"] == "BuilderFailed"
    assert "builds.seccompProfile" in pod.report["message"]
    assert said.strip() in log


@pytest.mark.parametrize("builder", ["buildkit", "buildah"])
def test_a_pod_that_is_told_to_end(pod, builder):
    pod.plan(build=[{"print": "building\n", "sleep": 60}])
    process = pod.start(builder=builder)
    for line in process.stdout:
        if line == "building\n":
            break
    started = time.monotonic()

    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)

    assert process.returncode == 143
    assert time.monotonic() - started < 15
    assert rest.splitlines()[-1] == "Stopped: the pod was told to end"
    assert pod.gateway.reports == []
    assert not (pod.directory / "termination").exists()


def test_a_build_that_nobody_wants_any_more_stops(pod):
    pod.gateway.faults = [(410, b'{"detail": "the definition is gone"}')]

    code, log = pod.run()

    assert code == 143
    assert log.splitlines()[-1] == "Stopped: this build is no longer wanted (the definition is gone)"
    assert pod.gateway.reports == []


def test_a_bad_request_fails_with_its_fault(pod):
    code, log = pod.run(builder="kaniko")

    assert code == 1
    assert "SX_BUILD_REQUEST: builder has the wrong form: 'kaniko'" in log
    assert json.loads((pod.directory / "termination").read_text())["reason"] == "BuilderFailed"
    assert pod.gateway.requests == []
