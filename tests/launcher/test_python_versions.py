"""The newer Pythons that projects may choose, where this machine has them: a part of the table, and the check."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.launcher.conftest import HERE
from tests.support.launcher.cases import LIBRARIES, TABLE, cases_of, faults, project
from tests.support.launcher.process import LauncherProcess, check, write_project
from tests.support.sdk.environment import sdk_environment

NAMES = [
    "types",
    "model",
    "secret",
    "returns_bytes",
    "raises",
    "raises_at_import",
    "exits",
    "secret_in_variables",
]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_a_part_of_the_table(launcher: Path, tmp_path: Path, version: str, library: str) -> None:
    python = python_of(version, library)
    written = write_project(tmp_path, project(cases_of(library), library))
    process = LauncherProcess(python, launcher, written)
    wrong = []
    for case in (case for case in TABLE if case.name in NAMES):
        left = process.run(case, tmp_path / case.name)
        found = faults(case, library, exit_code=left.exit_code, files=left.files, log=left.log)
        wrong += [f"{case.name}: {fault}" for fault in found]
    assert wrong == []
    report, _ = check(python, launcher, written, entry="user_code.src.case_model:run")
    assert report["ok"] is True
    schema = report["inputSchema"]
    assert isinstance(schema, dict)
    assert schema["properties"]["data"]["required"] == ["values"]
    (written / "src" / "case_model.py").write_text("def run(:", encoding="utf-8")
    report, _ = check(python, launcher, written, entry="user_code.src.case_model:run")
    assert str(report["message"]).startswith(f"src/case_model.py:1: This is no valid Python {version}: ")


def python_of(version: str, library: str) -> Path:
    """Return the interpreter of the library's environment; skips when this machine has no such Python."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for found in (shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))):
        # a shim of pyenv may be there without the version
        if found and subprocess.run([found, "-V"], capture_output=True, check=False).returncode == 0:
            return sdk_environment(HERE / f"{library}-commons" / "requirements.lock", str(found))
    pytest.skip(f"this machine has no Python {version}")
