"""CLUSTER=kind and CLUSTER=current, with programs that only write down how they were called."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.settings import CHECKOUT

PROGRAM = """\
#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$(basename "$0") $*" in
  "kind get clusters") cat "$CLUSTERS" ;;
  "kubectl config current-context") echo somewhere ;;
  "kubectl get replicasets"*) echo '{"items": []}' ;;
  "helm status"*) exit 1 ;;
esac
"""


@dataclass(frozen=True)
class Launcher:
    directory: Path

    def run(self, kind: str, *words: str, clusters: str = "", without: str = "") -> tuple[int, str]:
        (self.directory / "clusters").write_text(clusters)
        (self.directory / "calls").write_text("")
        programs = self.directory / "bin"
        programs.mkdir(exist_ok=True)
        for name in ("docker", "kind", "kubectl", "helm"):
            path = programs / name
            path.unlink(missing_ok=True)
            if name != without:
                path.write_text(PROGRAM)
                path.chmod(0o755)
        # The shell's own programs, and nothing else that could be a real kubectl.
        for name in ("sh", "basename", "cat"):
            target = programs / name
            if not target.exists():
                target.symlink_to(Path("/bin") / name)
        environment = {
            "PATH": str(programs),
            "HOME": str(self.directory),
            "CLUSTER": kind,
            "CALLS": str(self.directory / "calls"),
            "CLUSTERS": str(self.directory / "clusters"),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }
        argv = [sys.executable, "-m", "cluster", *words]
        result = subprocess.run(
            argv, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
        )
        return result.returncode, result.stdout + result.stderr

    @property
    def calls(self) -> list[str]:
        return (self.directory / "calls").read_text().splitlines()


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    return Launcher(tmp_path)


def test_kind_makes_the_cluster_builds_loads_and_installs(launcher: Launcher) -> None:
    status, output = launcher.run("kind", "up")
    assert status == 0, output
    calls = "\n".join(launcher.calls)
    assert "kind create cluster --config" in calls
    assert "tests/kind/config.yaml --wait 3m --name serviceexecution-embedded" in calls
    for image in ("operator", "collector"):
        assert (
            f"images/{image}/Containerfile --tag ghcr.io/serviceexecution/{image}:0.1.0 {CHECKOUT}" in calls
        )
        assert f"kind load docker-image ghcr.io/serviceexecution/{image}:0.1.0 --name" in calls
    # Docker and the node get public images and the pause image from their registries.
    assert "docker.io/library" not in calls
    assert "pause" not in calls
    assert "values-embedded.yaml" in next(call for call in launcher.calls if call.startswith("helm upgrade"))


def test_kind_is_not_made_twice(launcher: Launcher) -> None:
    status, output = launcher.run("kind", "up", clusters="serviceexecution-embedded\n")
    assert status == 0, output
    assert not any("create cluster" in call for call in launcher.calls)
    assert any("export kubeconfig" in call for call in launcher.calls)


def test_kind_loads_archives_and_goes_away(launcher: Launcher, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    archive.touch()
    assert launcher.run("kind", "load", str(archive))[0] == 0
    assert f"kind load image-archive {archive} --name serviceexecution-embedded" in launcher.calls
    assert launcher.run("kind", "down")[0] == 0
    assert "kind delete cluster --name serviceexecution-embedded" in launcher.calls


@pytest.mark.parametrize("program", ["docker", "kind", "kubectl", "helm"])
def test_kind_names_the_program_that_is_missing(launcher: Launcher, program: str) -> None:
    status, output = launcher.run("kind", "up", without=program)
    assert status == 1
    assert f"CLUSTER=kind needs `{program}` in PATH" in output


def test_current_names_its_context_and_only_installs(launcher: Launcher) -> None:
    status, output = launcher.run("current", "up")
    assert status == 0, output
    assert "current context 'somewhere'" in output
    assert all(call.startswith(("kubectl", "helm")) for call in launcher.calls)
    upgrade = next(call for call in launcher.calls if call.startswith("helm upgrade"))
    assert "--take-ownership" not in upgrade
    assert "--values" not in upgrade
    status, output = launcher.run("current", "load", "image.tar")
    assert status == 1
    assert "push the image to a registry" in output
