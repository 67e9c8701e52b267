"""Lines of the log that are the launcher's own, and tracebacks without values of variables. Never raises."""

from __future__ import annotations

import contextlib
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Final

    from serviceexecution.launcher.redaction import Redaction

_UNWRITABLE: Final = Exception
"""Standard error that the program has closed, set to None or replaced with something of its own answers anything."""


def say(level: str, message: str) -> None:
    """Write one line to standard error, in the form of the libraries' own lines."""
    import time  # noqa: PLC0415 - most runs say nothing

    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    with contextlib.suppress(_UNWRITABLE):
        sys.stderr.write(f"{stamp}.{int(now % 1 * 1000):03} | {level:<8} | {__package__} - {message}\n")
        sys.stderr.flush()


def print_traceback(error: BaseException, redaction: Redaction) -> None:
    """Write the traceback to standard error, without the launcher's own frames and without secrets."""
    import traceback  # noqa: PLC0415 - only a failure needs it

    with contextlib.suppress(_UNWRITABLE):
        sys.stdout.flush()
    # Not sys.excepthook: packages that replace it print variables
    lines = traceback.format_exception(type(error), error, _own_frames_left_out(error))
    with contextlib.suppress(_UNWRITABLE):
        sys.stderr.write(redaction.text("".join(lines)))
        sys.stderr.flush()


def _own_frames_left_out(error: BaseException) -> TracebackType | None:
    frames = error.__traceback__
    while frames is not None and _is_own(frames):
        frames = frames.tb_next
    return frames if frames is not None else error.__traceback__


def _is_own(frame: TracebackType) -> bool:
    return str(frame.tb_frame.f_globals.get("__name__", "")).startswith(f"{__package__}.")
