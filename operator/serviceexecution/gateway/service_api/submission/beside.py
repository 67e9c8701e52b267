"""Work on submissions whose size a tenant chooses, beside the event loop."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from serviceexecution.fairness.turns import NoTurnError
from serviceexecution.fairness.work import SMALL_BYTES, THREADS
from serviceexecution.gateway.http.problems import unavailable

_P = ParamSpec("_P")
_R = TypeVar("_R")


async def beside(
    namespace: str, size: int, function: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs
) -> _R:
    """Return what the function makes of ``size`` bytes, in a thread if that takes long; raises Problem 503."""
    if size <= SMALL_BYTES:
        return function(*args, **kwargs)
    try:
        return await THREADS.run(namespace, function, *args, **kwargs)
    except NoTurnError:
        raise unavailable("Busy", "Too many large submissions at once; try again.") from None
