"""How an answer ends its connection."""

import asyncio
import weakref
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class Connection(Protocol):
    """What reads on for a moment behind an answer."""

    def linger(self) -> None:
        """End the connection behind what was sent."""
        ...


class Lingering:
    """What an answer is written to: its end closes the connection, at once where all of the request has come.

    It keeps neither the connection nor the cycle, which keep it: what each request leaves behind would be found only by
    the collector of cycles, which stops everything for half a second after some thousands.
    """

    def __init__(
        self, transport: asyncio.Transport, connection: Connection, cycle: RequestResponseCycle
    ) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self._transport = transport
        self._connection = weakref.ref(connection)
        self._cycle = weakref.ref(cycle)

    def close(self) -> None:
        """End the connection."""
        connection, cycle = self._connection(), self._cycle()
        if connection is not None and cycle is not None and cycle.more_body and cycle.response_complete:
            connection.linger()
        else:
            self._transport.close()
