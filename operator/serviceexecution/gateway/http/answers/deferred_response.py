"""An answer that is large: made when its turn has come, and sent within a time, so that it is not held for ever."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from serviceexecution.fairness.turns import FairTurns, NoTurnError
from serviceexecution.gateway.http.problems import unavailable


class DeferredResponse(Response):
    """Holds a turn of ``key`` while ``make`` makes the answer and the client takes it.

    A client that does not take it within ``seconds`` loses its connection.
    """

    def __init__(
        self,
        turns: FairTurns,
        key: str,
        make: Callable[[], Awaitable[Response]],
        *,
        wait_seconds: float,
        seconds: float,
    ) -> None:
        super().__init__()
        self._turns = turns
        self._key = key
        self._make = make
        self._wait_seconds = wait_seconds
        self._seconds = seconds

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; raises Problem 503 when no turn came in time, and what ``make`` raises."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._turns.turn(self._key, wait=self._wait_seconds))
            except NoTurnError:
                raise unavailable(
                    "TooManyReads", "Too many large answers of this namespace are under way."
                ) from None
            response = await self._make()
            with contextlib.suppress(
                TimeoutError
            ):  # The server ends a connection whose answer is not complete
                async with asyncio.timeout(self._seconds):
                    await response(scope, receive, send)
