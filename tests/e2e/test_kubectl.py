"""The tools that people have: kubectl waits, selects and prints as with any other kind."""

import shutil
import subprocess

import pytest

from tests.support.cluster import RESOURCE_QUOTAS
from tests.support.sandbox import Sandbox, phase_and_reason, program


@pytest.fixture
def kubectl() -> str:
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("there is no kubectl")
    return found


def test_kubectl_waits_selects_and_prints(sandbox: Sandbox, kubectl: str) -> None:
    def run(*words: str) -> str:
        command = [kubectl, "--namespace", sandbox.name, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    sandbox.create({"runtime": program("print('hello')")}, name="good")
    sandbox.create({"runtime": program("raise SystemExit(3)")}, name="bad")
    assert "condition met" in run("wait", "--for=condition=Complete", "sx/good", "--timeout=90s")
    assert "condition met" in run("wait", "--for=condition=Failed", "sx/bad", "--timeout=90s")
    jsonpath = "--for=jsonpath={.status.phase}=Failed"
    assert "condition met" in run("wait", jsonpath, "serviceexecution/bad", "--timeout=5s")
    selected = run("get", "sx", "--field-selector=status.phase=Succeeded", "--output=name")
    assert selected.split() == ["serviceexecution.serviceexecution.dev/good"]
    lines = run("get", "serviceexecution").splitlines()
    assert lines[0].split() == ["NAME", "PHASE", "REASON", "SERVICE", "STARTED", "DURATION", "AGE"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["bad", "Failed", "ProgramFailed"],
        ["good", "Succeeded", "Succeeded"],
    ]
    described = run("describe", "sx", "bad")
    assert "The program failed. Its exit code is 3." in described


def test_namespace_whose_quota_wants_requests_and_limits(sandbox: Sandbox) -> None:
    hard = {"requests.cpu": "1", "requests.memory": "512Mi", "limits.cpu": "3", "limits.memory": "1Gi"}
    sandbox.cluster.create(
        RESOURCE_QUOTAS, sandbox.name, {"metadata": {"name": "all"}, "spec": {"hard": dict(hard)}}
    )
    small = {"cpu": "100m", "memory": "64Mi"}
    final = sandbox.run(
        {"runtime": program("print('hello')"), "resources": {"requests": dict(small), "limits": dict(small)}}
    )
    assert phase_and_reason(final) == ("Succeeded", "Succeeded")
