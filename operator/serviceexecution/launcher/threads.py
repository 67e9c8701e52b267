"""Threads of the project that keep the process from ending after ``run()`` has returned."""

from __future__ import annotations

import sys

from serviceexecution.launcher.log import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

QUIET_SECONDS: Final = 10.0
"""How long the process may wait for a thread before the log says so: most have only a rest to do."""
_SHOWN: Final = 3


def say_what_is_waited_for() -> None:
    """Have the log say which threads the process waits for, should it still wait for them later."""
    threading = sys.modules.get("threading")
    if threading is None:
        return
    main = threading.current_thread()

    def left() -> list[str]:
        return [
            str(thread.name)
            for thread in threading.enumerate()
            if thread is not main and thread.is_alive() and not thread.daemon
        ]

    def watch() -> None:
        import time  # noqa: PLC0415 - most runs have no threads

        time.sleep(QUIET_SECONDS)
        if names := left():
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            say(
                "WARNING",
                f"run() has ended, and the process waits for what runs in its threads: "
                f"{', '.join(names[:_SHOWN])}{more}. End them in run(), or start them with daemon=True.",
            )

    if left():
        threading.Thread(target=watch, daemon=True).start()
