"""``python -m serviceexecution.launcher.check --source … --entry-point … --report …``: the check of a build.

Ends with 0 whatever it finds: the report says it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path

from serviceexecution.launcher.check.parent import TIMEOUT_SECONDS, check, write_report


def main() -> int:
    """Check and write the report; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m serviceexecution.launcher.check", description=__doc__)
    parser.add_argument(
        "--source", type=Path, required=True, help="the project's folder, such as /app/user_code"
    )
    parser.add_argument("--entry-point", required=True, help="such as user_code.src.program:run")
    parser.add_argument("--report", type=Path, required=True, help="the file to write")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_SECONDS, help="seconds for the import")
    options = parser.parse_args()
    report = check(options.source, options.entry_point, seconds=options.timeout)
    lines = [f"{report['reason']}: {report['message']}"] if report.get("message") else []
    try:
        write_report(report, options.report)
    except OSError as error:
        lines.append(f"The report could not be written to {options.report}: {os.strerror(error.errno or 0)}.")
    with contextlib.suppress(OSError):  # A log that cannot be written is no fault of the project
        sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode(errors="replace"))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
