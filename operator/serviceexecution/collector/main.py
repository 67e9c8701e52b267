"""The collector: waits for the main container's end, uploads its output, commits.

Runs as ``python3 -I -S /opt/collector/main.py`` with nothing but the standard library. A small supervising
process starts the work again should it crash, for clusters that do not restart a single container. With the argument
``stage-in`` it is the init container that brings the files of data pools, with ``serve-volume`` the program of a pod of
its own that serves a volume's files.

Exit codes: 0 done, 2 wrong settings, 3 time is up (started again by the kubelet, it tries again); of the init container
4 for a data pool that cannot be had, 5 when the node has no room for it, 143 after SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import time

if not __package__:  # Run as a file: make its directory a package, so that the imports below work
    _directory = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs memory
    sys.path.append(os.path.dirname(_directory))  # noqa: PTH120
    __package__ = os.path.basename(_directory)  # noqa: PTH119
    __import__(__package__)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Final

    from .settings import Settings

EXIT_SETTINGS: Final = 2
EXIT_GAVE_UP: Final = 3

STAGE_IN: Final = "stage-in"
SERVE_VOLUME: Final = "serve-volume"

_OF_STAGE_IN: Final = frozenset({4, 5, 128 + signal.SIGTERM})
_FINAL: Final = frozenset({0, EXIT_SETTINGS, EXIT_GAVE_UP}) | _OF_STAGE_IN
_STARTS: Final = 10
_STOP_SIGNALS: Final = {signal.SIGTERM, signal.SIGINT}


def supervise() -> int:
    """Run the work in a child process, again after a crash; returns its exit code."""
    delay = 0.5
    code = 1
    for _ in range(_STARTS):
        # Held back until the child handles them, so that none is lost in between
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        child = os.fork()
        if child == 0:
            return run()
        _forward_to(child)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code in _FINAL:
            return code
        time.sleep(delay)
        delay = min(delay * 2, 30.0)
    return code


_stopped = False


def _forward_to(child: int) -> None:
    """Pass SIGTERM on, also one that an earlier child had got."""

    def forward(_number: int, _frame: FrameType | None) -> None:
        global _stopped  # noqa: PLW0603 - a signal handler's only memory
        _stopped = True
        try:
            os.kill(child, signal.SIGTERM)
        except ProcessLookupError:
            return

    for number in _STOP_SIGNALS:
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    if _stopped:
        os.kill(child, signal.SIGTERM)


def run() -> int:
    """Do the work; returns the exit code."""
    # Imported here: the supervisor needs none of it.
    if sys.argv[1:] == [SERVE_VOLUME]:
        from .volume.serve import serve  # noqa: PLC0415

        return serve(os.environ)

    from .log import log  # noqa: PLC0415
    from .settings import Settings, SettingsError  # noqa: PLC0415

    try:
        settings = Settings(os.environ)
    except SettingsError as error:
        log("wrong settings", why=str(error))
        return EXIT_SETTINGS
    if sys.argv[1:] == [STAGE_IN]:
        from .pools.stage import stage_all  # noqa: PLC0415

        return stage_all(settings)
    return _collect(settings)


def _collect(settings: Settings) -> int:
    from .gateway_client import GatewayClient, StateQuery  # noqa: PLC0415
    from .processes import Processes  # noqa: PLC0415
    from .stop import Stop  # noqa: PLC0415
    from .watch import MainWatcher  # noqa: PLC0415
    from .work import work  # noqa: PLC0415

    processes = Processes()
    kill = settings.shared_processes and processes.shared
    stop = Stop(processes, settings.cancel_grace, kill=kill)
    watcher = MainWatcher(settings, processes, StateQuery(settings), stop)
    return 0 if work(settings, watcher, GatewayClient(settings), stop) else EXIT_GAVE_UP


if __name__ == "__main__":
    sys.exit(supervise())
