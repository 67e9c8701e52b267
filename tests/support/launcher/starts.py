"""Starts of a project under a library's environment, with the launcher and without, in turns."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.launcher.case import Case, Expected, project
from tests.support.launcher.process import LauncherProcess, environment, install, write_project
from tests.support.sdk.environment import sdk_environment

_LOCKS = Path(__file__).parents[2] / "launcher"
_ALONE = (
    "import sys; from {0}.commons.logging import init_logging; from {0}.commons.runtime.main import main; "
    "init_logging(); sys.exit(main())"
)
_CASE = Case(name="start", program="def run() -> None:\n    pass\n", expected=Expected())


@dataclass(slots=True)
class Starts:
    """Times of one command, in milliseconds."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def add(self, command: list[str | Path], variables: dict[str, str], directory: Path) -> None:
        """Run the command once."""
        start = time.monotonic()
        process = subprocess.Popen(command, env=variables, cwd=directory)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        self.wall.append((time.monotonic() - start) * 1000)
        self.processor.append((usage.ru_utime + usage.ru_stime) * 1000)


def measure(library: str, starts: int) -> tuple[Starts, Starts]:
    """Return the starts with the launcher, and those of the library alone."""
    python = sdk_environment(_LOCKS / f"{library}-commons" / "requirements.lock")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        launcher = install(directory / "launcher")
        written = write_project(directory, project([_CASE], library))
        folders = LauncherProcess(python, launcher, written).folders(_CASE, directory / "run")
        variables = environment(launcher, **folders, ENTRYPOINT=_CASE.entry())
        del variables["PYTHONDONTWRITEBYTECODE"]  # an image is compiled
        commands: tuple[list[str | Path], ...] = (
            [python, "-m", "serviceexecution.launcher"],
            [python, "-c", _ALONE.format(library)],
        )
        measured = (Starts(), Starts())
        for number in range(starts + 1):
            for command, into in zip(commands, measured, strict=True):
                (into if number else Starts()).add(command, variables, directory)
    return measured
