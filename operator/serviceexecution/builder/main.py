"""The builder: ``python3 -m serviceexecution.builder.main`` in the pod of a build, with ``SX_BUILD_REQUEST``.

Exit codes: 0 the image is pushed, 1 it is not and the report says why, 143 the pod was told to end.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from serviceexecution.builder.build import Build
from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.pod.commands import Commands
from serviceexecution.builder.pod.gateway import Gateway, GoneError
from serviceexecution.builder.pod.output import Output
from serviceexecution.builder.pod.paths import Paths
from serviceexecution.builder.report import BuildReport, leave_word
from serviceexecution.builder.request import VARIABLE, BuildRequest, parse_request

EXIT_FAILED: Final = 1
EXIT_STOPPED: Final = 143
_LONGER_SECONDS: Final = 60.0
"""The controller ends a build that takes too long. When it is away, the builder does, that much later."""


def main() -> int:
    """Build; returns the exit code."""
    return build(os.environ)


def build(environment: Mapping[str, str]) -> int:
    """Build what the environment says; returns the exit code."""
    started = time.monotonic()
    output = Output()
    commands = Commands(output)
    _stop_on_signals(commands)
    paths = Paths.of(environment)
    report = BuildReport()
    try:
        request = parse_request(environment.get(VARIABLE, ""))
    except BuildError as error:
        # Without it nobody knows where the gateway is
        report.fail(error)
        output.phase("Failed", f"{error.reason}: {error.message}")
        leave_word(paths.termination_log, report)
        return EXIT_FAILED
    signal.setitimer(signal.ITIMER_REAL, request.timeout_seconds + _LONGER_SECONDS)
    gateway = Gateway(
        request.gateway_url, Path(request.token_file), output, ca_file=environment.get("SX_CA_FILE") or None
    )
    try:
        _run(Build(request, paths, gateway, commands, report), report, output)
        for name in ("message", "step"):  # What a step printed may be in it
            setattr(report, name, output.masked(getattr(report, name)))
        _announce(request, report, output, time.monotonic() - started)
        return _hand_over(report, paths, gateway, output)
    except GoneError as error:
        output.phase("Stopped", f"this build is no longer wanted ({error})")
        return EXIT_STOPPED


def _run(work: Build, report: BuildReport, output: Output) -> None:
    try:
        work.run()
    except GoneError:
        raise
    except BuildError as error:
        report.fail(error)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        report.fail(BuildError(Reason.BUILDER_FAILED, f"The builder cannot continue: {what}."))
    except Exception as error:  # noqa: BLE001 - the last resort: a report is better than a pod that just ends
        output.phase("builder", f"{type(error).__name__}: {error}")
        report.fail(
            BuildError(
                Reason.BUILDER_FAILED, f"The builder failed unexpectedly: {type(error).__name__}: {error}."
            )
        )


def _announce(request: BuildRequest, report: BuildReport, output: Output, seconds: float) -> None:
    if report.reason is Reason.SUCCEEDED:
        report.message = f"Built in {seconds:.1f} s."
        image = request.image.rpartition(":")[0]
        output.phase("Done", f"image {image}@{report.image_digest} in {seconds:.1f} s")
    else:
        output.phase("Failed", f"{report.reason}: {report.message}")


def _hand_over(report: BuildReport, paths: Paths, gateway: Gateway, output: Output) -> int:
    """Report, and return the exit code."""
    leave_word(paths.termination_log, report)
    try:
        gateway.put_report(report.to_json())
    except BuildError as error:
        output.phase("gateway", error.message)
        return EXIT_FAILED
    _clean(paths)
    return 0 if report.reason is Reason.SUCCEEDED else EXIT_FAILED


def _clean(paths: Paths) -> None:
    """Remove what may be confidential; the rest goes with the pod."""
    for name in ("environment", "git"):
        path = paths.work / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _stop_on_signals(commands: Commands) -> None:
    """End at once, with all programs, and without a report, when the pod is told to end or takes too long."""

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGALRM})
        why = "the build takes too long" if number == signal.SIGALRM else "the pod was told to end"
        os.write(1, f"Stopped: {why}\n".encode())
        commands.stop_all()
        os._exit(EXIT_STOPPED)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(main())
