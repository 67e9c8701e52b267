"""Runs the check in a process of its own, which the project may end, hold up or fill with output."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Final

from serviceexecution.launcher.check.examine import IMPORT
from serviceexecution.launcher.check.report import IMPORT_FAILED, SUCCEEDED, Report
from serviceexecution.launcher.pip_install import installer

TIMEOUT_SECONDS: Final = 120.0


def check(source: Path, entry: str, *, seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """Return the report on the project below ``source``; what it prints goes where our output goes."""
    source = Path(os.path.abspath(source))  # noqa: PTH100 - a link keeps its name, which is the package's
    with tempfile.TemporaryFile() as told:
        descriptor = told.fileno()
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "serviceexecution.launcher.check.child",
                str(descriptor),
                str(source),
                entry,
            ],
            cwd=source.parent,  # As in a run, where the working directory holds the package user_code
            stdin=subprocess.DEVNULL,
            pass_fds=(descriptor,),
            start_new_session=True,
        )
        try:
            code: int | None = child.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)  # And whatever the project has started
        child.wait()
        phase, report = _read(told)
    if report is None:
        report = _silent(entry.partition(":")[0], phase, code, seconds).to_json()
    return {**report, "installer": installer()}


def write_report(report: dict[str, Any], path: Path) -> None:
    """Write the report in one step; raises OSError."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(report, file, indent=2)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def _read(told: IO[bytes]) -> tuple[str, dict[str, Any] | None]:
    """Return the last phase, and the report when there is one."""
    told.seek(0)
    phase, report = "", None
    for line in told.read().splitlines():
        with contextlib.suppress(ValueError):
            message = json.loads(line)
            phase = message.get("phase", phase)
            report = message.get("report", report)
    return phase, report


def _silent(module: str, phase: str, code: int | None, seconds: float) -> Report:
    """Return the report of a child that has ended, or been ended, before it said what it found."""
    if phase != IMPORT:
        return Report(
            SUCCEEDED, f"The project is not checked: the check broke off in its phase {phase or 'start'}."
        )
    if code is None:
        return Report(
            IMPORT_FAILED,
            f"Importing {module} did not end within {seconds:g} seconds; move what takes long into run().",
        )
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return Report(
            IMPORT_FAILED,
            f"Importing {module} was ended by {name}; import its packages one by one to see which one fails.",
        )
    return Report(
        IMPORT_FAILED,
        f"Importing {module} ended the process with exit code {code}; a module must not call os._exit().",
    )
