"""The end of an execution: waiting for it, and what it means for the exit code."""

import time
from collections.abc import Callable
from typing import Final

from serviceexecution.cli.console import note
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.run.result import Outcome
from serviceexecution.cli.summaries import ExecutionSummary
from serviceexecution.cli.watching import Watched, watch

_QUIET_SECONDS: Final = 3.0
"""Waits that are shorter need no word."""


def wait_for_end(look: Callable[[], ExecutionSummary], *, patient: bool) -> ExecutionSummary:
    """Return the execution once it is over; raises CommandError when it is not and we are not ``patient``."""
    started, said = time.monotonic(), False
    for view in watch(Watched(look, lambda seen: seen.is_over, lambda _: None)):
        if not isinstance(view, ExecutionSummary):
            continue
        if view.is_over:
            return view
        if not patient:
            raise CommandError(f"The execution has not ended yet: it is {view.phase}.")
        if not said and time.monotonic() - started > _QUIET_SECONDS:
            note(f"{view.name} is {view.phase}; waiting for its end.")
            said = True
    raise CommandError("Waiting ended before the execution was over; ask again with sx status or sx result.")


def refuse_unsuccessful(ended: ExecutionSummary, outcome: Outcome) -> None:
    """Raise CommandError, with 4 or 5, unless the execution succeeded."""
    if ended.phase == "Cancelled":
        raise CommandError(ended.message or "The execution was cancelled.", code=ExitCode.CANCELLED)
    if ended.phase != "Succeeded":
        why = outcome.problem() or ended.message or "it does not say why."
        raise CommandError(f"The execution failed: {why}", code=ExitCode.EXECUTION_FAILED)
