"""Answers whose cost a tenant chooses, made beside the event loop."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from serviceexecution.fairness.turns import NoTurnError
from serviceexecution.fairness.work import THREADS
from serviceexecution.gateway.http.problems import unavailable

_P = ParamSpec("_P")
_R = TypeVar("_R")


async def in_thread(namespace: str, function: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Return what the function makes of what a tenant chose the size of; raises Problem 503."""
    try:
        return await THREADS.run(namespace, function, *args, **kwargs)
    except NoTurnError:
        raise unavailable("Busy", "Too many large requests at once; try again.") from None
