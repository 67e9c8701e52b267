"""Whether a gateway is there to take output: without one no collector can commit."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from serviceexecution.controller.clock import Clock
from serviceexecution.controller.executions.outages import Outages

LOOK_PAUSE: Final = timedelta(seconds=5)


class GatewayWatch:
    """Looks while something is being collected, and notes an outage.

    A gateway that was never reached from here says nothing: a network policy may be in the way.
    """

    def __init__(
        self, outages: Outages, clock: Clock, is_there: Callable[[], Awaitable[bool]] | None
    ) -> None:
        """``is_there`` asks; None: nobody does."""
        self._outages = outages
        self._clock = clock
        self._is_there = is_there
        self._looked = clock() - LOOK_PAUSE
        self._was_there = False

    async def look(self) -> None:
        """Look, unless somebody has just looked."""
        if self._is_there is None or self._clock() - self._looked < LOOK_PAUSE:
            return
        self._looked = self._clock()
        there = await self._is_there()
        self._was_there = self._was_there or there
        if self._was_there:
            self._outages.note_gateway(there=there)
