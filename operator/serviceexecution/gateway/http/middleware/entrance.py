"""Requests begin one in each round of the event loop, and those who pay for them take turns.

So who sends hundreds at once waits behind his own, and a client that has gone meanwhile costs hardly anything.
"""

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from serviceexecution.fairness.payers import Payer
from serviceexecution.fairness.shares import Shares
from serviceexecution.gateway.http.gone import GONE


class GoneBeforeItsTurnError(ClientDisconnect):
    """The client has closed its connection before anything was done for it."""


class Entrance:
    """ASGI middleware that lets the requests in. Who pays for one must be known without asking anybody."""

    def __init__(self, app: ASGIApp, payer_of: Callable[[Scope], Payer]) -> None:
        self._app = app
        self._payer_of = payer_of
        self._waiting: Shares[asyncio.Future[None]] = Shares()
        self._open = False
        """Whether the next round lets one in."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request when its turn has come; raises GoneBeforeItsTurnError."""
        await self._turn(self._payer_of(scope))
        gone = scope.get("extensions", {}).get(GONE)
        if gone is not None and gone():
            raise GoneBeforeItsTurnError
        await self._app(scope, receive, send)

    async def _turn(self, payer: Payer) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.add(payer, turn)
        self._next()
        try:
            await turn
        finally:
            self._waiting.remove(payer, turn)

    def _next(self) -> None:
        if self._waiting and not self._open:
            self._open = True
            asyncio.get_running_loop().call_soon(self._let_in)

    def _let_in(self) -> None:
        self._open = False
        turn = self._waiting.take()
        if turn is not None and not turn.done():  # Else its task was cancelled and has not run since
            turn.set_result(None)
        self._next()
