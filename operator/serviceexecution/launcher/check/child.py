"""The process that imports the project: writes phases and the report to a file that only it and its parent have.

``python -m serviceexecution.launcher.check.child DESCRIPTOR SOURCE ENTRY_POINT``
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Check, write the report and end at once, whatever threads the project has started."""
    descriptor, source, entry = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    process = os.getpid()
    os.set_inheritable(descriptor, False)
    del sys.argv[1:]  # The project sees the arguments that it has in a run: none
    os.environ["LOGURU_DIAGNOSE"] = "NO"

    def tell(message: dict[str, object]) -> None:
        if os.getpid() == process:  # The project may fork
            os.write(descriptor, json.dumps(message).encode() + b"\n")

    from serviceexecution.launcher.check.examine import examine  # noqa: PLC0415 - after the settings above

    report = examine(source, entry, lambda phase: tell({"phase": phase}))
    tell({"report": report.to_json()})
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os._exit(0)


if __name__ == "__main__":
    main()
