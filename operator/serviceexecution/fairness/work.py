"""Work whose size a tenant chooses, done beside the event loop."""

import asyncio
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from serviceexecution.fairness.turns import FairTurns

SMALL_BYTES: Final = 32 * 1024
"""Work on less than this takes a millisecond or two: a thread would cost more than it saves."""
_THREADS: Final = 2
"""The event loop waits for the interpreter each time that it comes back from its sockets, so few threads compute."""

P = ParamSpec("P")
R = TypeVar("R")


class FairThreads:
    """Runs functions in threads, a few at once, in turns by namespace: who sends much work waits behind his own."""

    def __init__(self, threads: int = _THREADS) -> None:
        """``threads`` compute at the same time; one namespace has at most half of them, or the only one."""
        self._turns = FairTurns(threads, per_key=max(1, threads // 2))

    async def run(self, namespace: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what ``function`` returns, or raise what it raises; NoTurnError when too much of the namespace waits.

        A caller who is cancelled leaves at once, but the turn is held until the thread has ended.
        """
        task = asyncio.ensure_future(self._run(namespace, function, *args, **kwargs))
        task.add_done_callback(
            lambda done: done.cancelled() or done.exception()
        )  # Seen, also when nobody waits
        return await asyncio.shield(task)

    async def _run(self, namespace: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        async with self._turns.turn(namespace):
            return await asyncio.to_thread(function, *args, **kwargs)


THREADS: Final = FairThreads()
"""Those of this process: one number for all of its parts, since they share one interpreter."""
