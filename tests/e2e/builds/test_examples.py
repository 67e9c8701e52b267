"""The examples by their own pages, and starter projects from ``sx init`` to a fetched result."""

import json
import shutil
import time
from pathlib import Path

import pytest

from tests.support.builds import Builds
from tests.support.shell_session import Shell, commands_of
from tools import ROOT

EXAMPLES = ROOT / "examples"
SECONDS = 900

pytestmark = pytest.mark.timeout(1200, func_only=True)


@pytest.fixture
def shell(builds: Builds, tmp_path: Path) -> Shell:
    """Return a user's shell in the test's namespace."""
    return Shell.make(tmp_path, builds.sandbox.name)


def follow(shell: Shell, name: str) -> tuple[Path, str]:
    """Type what the example's page says; return the folder and what was printed."""
    folder = shell.directory / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    return folder, shell.run(commands_of(EXAMPLES / name / "README.md"), folder, seconds=SECONDS)


def test_the_readme_of_the_plot_example_works(shell: Shell):
    folder, printed = follow(shell, "plot")
    result = json.loads((folder / "result.json").read_text())
    assert result["coefficients"][0] == pytest.approx(2, abs=0.2)
    assert (folder / "results" / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((folder / "results" / "output.json").read_text()) == result
    assert "exit code 1" in printed
    assert "exit code 4" in printed


def test_the_readme_of_the_pool_example_works(shell: Shell):
    _, printed = follow(shell, "pool")
    assert "monday.csv" in printed
    assert "exit code 1" in printed
    assert "not-a-real-key" not in printed


def test_the_readme_of_the_words_example_works(shell: Shell):
    folder, printed = follow(shell, "words")
    assert json.loads((folder / "results" / "output.json").read_text())["top"] == {"a": 3, "rose": 3}
    assert (folder / "results" / "counts.csv").exists()
    assert "exit code 1" in printed


def test_no_example_is_forgotten():
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == {"plot", "pool", "words"}


@pytest.mark.parametrize("kind", ["python", "docker"])
def test_from_init_to_a_result(shell: Shell, kind: str, figure):
    def timed(script: str) -> float:
        start = time.monotonic()
        shell.run(script, shell.directory / "starter", seconds=SECONDS)
        return time.monotonic() - start

    shell.run(f"sx init {kind} starter", shell.directory, seconds=60)
    first = timed("sx deploy")
    change = "src/program.py" if kind == "python" else "Dockerfile"
    second = timed(f"echo '# changed' >> {change} && sx deploy")
    unchanged = timed("sx deploy")
    timed("sx run starter -d @input.json > result.json && sx rollback starter")
    assert json.loads((shell.directory / "starter" / "result.json").read_text())
    figure(
        f"sx init {kind}, then sx deploy: first {first:.0f} s, changed {second:.0f} s, unchanged {unchanged:.1f} s"
    )
