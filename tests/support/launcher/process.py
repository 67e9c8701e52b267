"""Runs the launcher and its check as processes: a copy that stands alone, under a library environment's Python."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.launcher.case import Case

_PACKAGE = Path(__file__).parents[3] / "operator" / "serviceexecution"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left."""

    exit_code: int
    files: Mapping[str, bytes]
    log: str


def install(directory: Path) -> Path:
    """Copy the launcher alone below ``directory``, as an image has it; returns the entry of PYTHONPATH."""
    target = directory / "serviceexecution"
    shutil.copytree(_PACKAGE / "launcher", target / "launcher", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(_PACKAGE / "__init__.py", target)
    return directory


def write_project(directory: Path, files: Mapping[str, str]) -> Path:
    """Write the files of a project as the package ``user_code`` below ``directory``; returns its folder."""
    project = directory / "user_code"
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return project


def environment(launcher: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a container: nothing of ours but the path."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(launcher),
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
    }


@dataclass(frozen=True, slots=True)
class LauncherProcess:
    """The launcher at ``launcher``, run by ``python`` for the project of which ``project`` is the folder."""

    python: Path
    launcher: Path
    project: Path

    def run(self, case: Case, directory: Path, module: str = "serviceexecution.launcher") -> Outcome:
        """Run the case with folders of its own below ``directory``."""
        variables = {**self.folders(case, directory), "ENTRYPOINT": case.entry(), **case.environment}
        ended = subprocess.run(
            [self.python, "-m", module],
            cwd=self.project.parent,
            env=environment(self.launcher, **variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=120,
        )
        output = directory / "output"
        files = {
            path.relative_to(output).as_posix(): path.read_bytes()
            for path in output.rglob("*")
            if path.is_file()
        }
        return Outcome(ended.returncode, files, ended.stdout.decode())

    def folders(self, case: Case, directory: Path) -> dict[str, str]:
        """Write what a case is given; returns the variables that say where, and its secrets."""
        for name in ("input", "output", "datapool"):
            (directory / name).mkdir(parents=True)
        texts = {name: json.dumps(value, ensure_ascii=False) for name, value in case.input.items()}
        for name, text in {**texts, **case.raw_input}.items():
            (directory / "input" / f"{name}.json").write_text(text, encoding="utf-8")
        for pool, files in case.pools.items():
            (directory / "datapool" / pool).mkdir()
            for name, text in files.items():
                (directory / "datapool" / pool / name).write_text(text, encoding="utf-8")
        return {
            "INPUT_DIRECTORY": str(directory / "input"),
            "OUTPUT_DIRECTORY": str(directory / "output"),
            "DATAPOOL_DIRECTORY": str(directory / "datapool"),
            **{_SECRET_VARIABLES[name]: value for name, value in case.secrets.items()},
        }


_SECRET_VARIABLES = {"api_token": "SECRET_API_TOKEN", "ibmToken": "SECRET_IBM_TOKEN"}


def check(
    python: Path, launcher: Path, project: Path, *arguments: str, entry: str = "user_code.src.program:run"
) -> tuple[dict[str, object], str]:
    """Run the check of a build; returns the report and what was printed. It must end with 0."""
    report = project.parent / "report.json"
    options: list[str | Path] = ["--source", project, "--entry-point", entry, "--report", report, *arguments]
    ended = subprocess.run(
        [python, "-m", "serviceexecution.launcher.check", *options],
        cwd=project.parent,
        env=environment(launcher),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout
    found: dict[str, object] = json.loads(report.read_text(encoding="utf-8"))
    return found, ended.stdout.decode()
