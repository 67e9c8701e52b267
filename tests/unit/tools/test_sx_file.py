"""The command line as one file: it runs without this checkout and its packages."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.sx_file import write_file, write_krew

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_file(tmp_path_factory.mktemp("dist"))


def run(file, *arguments, **variables):
    """Run it as a user does, with nothing but the interpreter."""
    command = [getattr(sys, "_base_executable", sys.executable), "-I", str(file), *map(str, arguments)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(file.parent), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_it_starts_projects_and_looks_at_them(file, tmp_path):
    assert run(file, "init", "python", "plot", "--directory", tmp_path / "plot").returncode == 0
    done = run(file, "doctor", tmp_path / "plot", KUBECONFIG=str(tmp_path / "none"))
    assert done.returncode == 1
    assert done.stdout.startswith("ok     project   plot, a python project.")
    assert "There is no kubeconfig" in done.stdout


def test_it_reaches_a_cluster_by_http(file, tmp_path):
    server = {"server": "http://127.0.0.1:9"}
    config = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": server}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    done = run(file, "list", KUBECONFIG=str(tmp_path / "config"))
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_it_leaves_out_is_said(file, tmp_path):
    done = run(file, "serve", tmp_path)
    assert done.returncode == 1
    assert "which this one file leaves out" in done.stderr


def test_krew_gets_the_digest_of_what_it_fetches(file):
    manifest = yaml.safe_load(write_krew(file, "1.2.3", "https://example.com/v1.2.3/").read_text())
    [platform] = manifest["spec"]["platforms"]
    assert manifest["spec"]["version"] == "v1.2.3"
    assert platform["uri"] == "https://example.com/v1.2.3/kubectl-sx.tar.gz"
    archive = file.with_name("kubectl-sx.tar.gz")
    assert platform["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()


@pytest.mark.parametrize(("name", "shown"), [("sx", "sx"), ("kubectl-sx", "kubectl sx")])
def test_the_checkouts_own_runs_from_anywhere(tmp_path, name, shown):
    done = subprocess.run(
        [ROOT / "tools" / "bin" / name, "run", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"Usage: {shown} run")
