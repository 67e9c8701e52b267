"""Looks names up in threads of its own, a few for each namespace.

A resolver that hangs keeps a thread for tens of seconds, long after whoever asked has given up. Asyncio's own threads
are few and do other work: writes to a directory store, and lookups of everybody else.
"""

import asyncio
import socket
import threading
from collections.abc import Sequence
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from serviceexecution.fairness.turns import FairTurns, NoTurnError

AT_ONCE: Final = 12
AT_ONCE_OF_NAMESPACE: Final = 3
_WAITING_OF_NAMESPACE: Final = 3

_Found = Sequence[
    tuple[
        socket.AddressFamily, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
    ]
]


class Lookups:
    """State owner of the lookups under way. One that nobody waits for any more keeps its turn until it ends."""

    def __init__(self) -> None:
        self._turns = FairTurns(AT_ONCE, per_key=AT_ONCE_OF_NAMESPACE, waiting_per_key=_WAITING_OF_NAMESPACE)
        self._tasks: set[asyncio.Task[_Found]] = set()

    def of(self, namespace: str) -> AbstractResolver:
        """Return a resolver whose lookups are this namespace's."""
        return _Resolver(self, namespace)

    async def look_up(self, namespace: str, host: str, port: int, family: socket.AddressFamily) -> _Found:
        """Return the addresses; raises OSError, also when too many of the namespace's lookups hang."""
        task = asyncio.create_task(
            self._in_turn(namespace, host, port, family), name=f"lookup for {namespace}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._done)
        try:
            return await asyncio.shield(task)
        except NoTurnError:
            raise OSError("other names of the namespace are still being looked up") from None

    def _done(self, task: asyncio.Task[_Found]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Nobody may wait for it any more

    async def _in_turn(self, namespace: str, host: str, port: int, family: socket.AddressFamily) -> _Found:
        async with self._turns.turn(namespace):
            return await _in_thread(host, port, family)


class _Resolver(AbstractResolver):
    def __init__(self, lookups: Lookups, namespace: str) -> None:
        self._lookups = lookups
        self._namespace = namespace

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._lookups.look_up(self._namespace, host, port, family)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=of,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of, _, protocol, _, address in found
            if of in {socket.AF_INET, socket.AF_INET6}
        ]

    @override
    async def close(self) -> None:
        """Keep nothing."""


async def _in_thread(host: str, port: int, family: socket.AddressFamily) -> _Found:
    """Ask in a thread that the end of the process does not wait for."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_Found] = loop.create_future()

    def tell(found: _Found, error: OSError | UnicodeError | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)

    def ask() -> None:
        try:
            found: _Found = socket.getaddrinfo(
                host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG
            )
        except (OSError, UnicodeError) as error:
            outcome: tuple[_Found, OSError | UnicodeError | None] = ([], error)
        else:
            outcome = (found, None)
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, *outcome)

    threading.Thread(target=ask, name="lookup", daemon=True).start()
    return await answer
