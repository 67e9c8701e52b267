"""Whether a gateway is there to take output: without one no collector can commit."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from serviceexecution.controller.clock import Clock
from serviceexecution.controller.executions.outages import Outages

LOOK_PAUSE: Final = timedelta(seconds=5)
CONNECT_SECONDS: Final = 2.0
_PORTS: Final = {"http": 80, "https": 443}


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


async def takes_connections(url: str) -> bool:
    """Tell whether the gateway's Service has a gateway behind it that is ready."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or _PORTS.get(parts.scheme, 80)
            )
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
