"""Whether a gateway should get requests, also while the store is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.http.problems import unavailable
from serviceexecution.gateway.state.service_state import ServiceState
from serviceexecution.store.errors import StoreError
from serviceexecution.store.storage.answers import away_sentence
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()

CHECK_SECONDS: Final = 5.0

IsThere = Callable[[], Awaitable[bool]]


class Readiness:
    """Ready once the executions are listed and the store was read: settings that are wrong stop a rollout.

    A store that is away later on takes nothing else with it. One that is away at the start takes nothing either where
    no other gateway is ready and there is something to serve: states, cancels and submits need no store.
    """

    def __init__(
        self,
        store: ResultStore,
        draining: asyncio.Event,
        state: ServiceState | None,
        another_is_ready: IsThere | None,
    ) -> None:
        """``another_is_ready`` tells whether the gateways' Service takes connections; None: that is not known."""
        self._store = store
        self._draining = draining
        self._state = state
        self._another_is_ready = another_is_ready
        self._answered = False
        self._alone = False
        self._asking: asyncio.Task[Exception | None] | None = None

    async def answer(self) -> JsonObject:
        """Return the body of a good answer; raises Problem while the gateway is not ready."""
        if self._draining.is_set():
            raise unavailable("Draining", "The process is about to end.")
        if self._state is not None and not self._state.ready:
            raise unavailable("Starting", "The executions have not been listed yet.")
        if not self._answered:
            await self._start()
        since = self._store.answers.away_since()
        if since is None:
            return {"status": "ok"}
        if self._asking is None or self._asking.done():  # Else it would be away until somebody needs it
            self._asking = asyncio.create_task(self._problem_of_store(), name="store check")
        return {"status": "ok", "store": away_sentence(since)}

    async def _start(self) -> None:
        problem, alone = await asyncio.gather(self._problem_of_store(), self._is_alone())
        self._answered = problem is None
        if problem is None or self._alone:
            return
        if not alone:
            raise problem
        logger.warning("ready without the results store: no other gateway is, and it may come back")
        self._alone = True  # For good: from now on this gateway is the one that takes connections

    async def _problem_of_store(self) -> Exception | None:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._store.check()
        except TimeoutError:
            return unavailable("StoreUnavailable", "The results store does not answer.")
        except StoreError as error:
            return error
        return None

    async def _is_alone(self) -> bool:
        if self._alone:
            return True
        if self._another_is_ready is None or self._state is None or not self._state.knows_something:
            return False
        return not await self._another_is_ready()
