"""Every rendered child is taken by a real API server with strict checks, and by Pod Security *restricted*."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

pytestmark = pytest.mark.cluster

GOLDEN: Final = sorted(Path(__file__).parents[1].glob("unit/controller/golden/*.yaml"))
NEEDS_OTHER_OBJECTS: Final = {"everything"}
"""Its priority class, runtime class and service account do not exist."""
CONTROLLER: Final = "system:serviceaccount:serviceexecution-system:serviceexecution-controller"
JOB_CONTROLLER: Final = "system:serviceaccount:kube-system:job-controller"
NOT_RESTRICTED: Final = {"root-image"}


def dry_run(manifest: Any, namespace: str) -> subprocess.CompletedProcess[str]:
    """Let the API server check an object as if who makes such objects created it: nobody else may."""
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip('kubectl is not in PATH: eval "$(make -s env)" after `make up`')
    manifest["metadata"]["namespace"] = namespace
    maker = JOB_CONTROLLER if manifest["kind"] == "Pod" else CONTROLLER
    return subprocess.run(
        [found, "create", "--dry-run=server", "--validate=strict", "--as", maker, "-f", "-"],
        input=json.dumps(manifest),
        capture_output=True,
        text=True,
        check=False,
    )


def restrict(namespace: str) -> None:
    """Enforce Pod Security restricted."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    subprocess.run(["kubectl", "label", "namespace", namespace, label], check=True, capture_output=True)


def pod_of(job: Any) -> Any:
    """Return the pod that the Job controller would create."""
    template = job["spec"]["template"]
    metadata = {**template["metadata"], "name": "pod"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def test_rendered_children_are_valid(namespace: str) -> None:
    for path in GOLDEN:
        for manifest in yaml.safe_load_all(path.read_text()):
            done = dry_run(manifest, namespace)
            assert done.returncode == 0, f"{path.name}: {done.stderr}"


def test_rendered_pods_pass_pod_security_restricted(namespace: str) -> None:
    restrict(namespace)
    for path in GOLDEN:
        if path.stem in NEEDS_OTHER_OBJECTS:
            continue
        *_, job = yaml.safe_load_all(path.read_text())
        done = dry_run(pod_of(job), namespace)
        if path.stem in NOT_RESTRICTED:
            assert "violates PodSecurity" in done.stderr
            assert "runAsNonRoot" in done.stderr
        else:
            assert done.returncode == 0, f"{path.name}: {done.stderr}"
            assert "Warning" not in done.stderr
