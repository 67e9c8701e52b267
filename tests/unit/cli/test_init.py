"""Starter projects that run as they are."""

import os
import subprocess
import sys
from importlib.resources import files

import pytest


@pytest.fixture(params=["python", "docker"])
def project(request, sx, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = sx("init", request.param, "my-sum")
    assert code == 0
    assert out.endswith("Next: cd my-sum && sx deploy && sx run my-sum -d @input.json\n")
    return tmp_path / "my-sum", request.param


def test_a_new_project_s_own_test_passes(project):
    folder, kind = project
    argv = (
        ["pytest", "-q", "-p", "no:cacheprovider"] if kind == "python" else ["unittest", "discover", "tests"]
    )
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *argv],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_project_bears_the_name_and_is_deployable(project, sx):
    folder, kind = project
    assert "my-sum" in (folder / "README.md").read_text()
    code, out, err = sx("deploy", folder, "--dry-run", "-n", "x")
    assert code == 0
    assert '"name": "my-sum"' in out
    assert f'"{kind}"' in out
    packed = {line.split()[0] for line in err.splitlines() if line.startswith("  ")}
    assert packed == {".dockerignore", "src/", "requirements.txt" if kind == "python" else "Dockerfile"}


def test_no_placeholder_is_left(project):
    for path in project[0].rglob("*"):
        assert "__NAME__" not in (path.read_text() if path.is_file() else "")


def test_a_readme_of_one_screen(project):
    assert len((project[0] / "README.md").read_text().splitlines()) <= 40


def test_what_is_there_is_left_alone(sx, tmp_path):
    (tmp_path / "x").mkdir()
    assert sx("init", "python", "x", "--directory", tmp_path / "x")[0] == 0
    code, _, err = sx("init", "docker", "x", "--directory", tmp_path / "x")
    assert code == 1
    assert "exists and is not empty" in err
    assert not (tmp_path / "x" / "Dockerfile").exists()


def test_a_name_that_kubernetes_would_not_take(sx):
    assert "NAME: 'A_b' is not a name" in sx("init", "python", "A_b")[2]


def test_templates_hold_no_file_that_tools_around_would_heed():
    root = files("serviceexecution.cli") / "templates"
    for kind in ("python", "docker"):
        names = {entry.name for entry in (root / kind).iterdir()}
        assert not names & {".gitignore", ".dockerignore"}
