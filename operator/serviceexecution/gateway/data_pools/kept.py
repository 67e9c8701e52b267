"""How much content the data pools of a namespace keep, also what no data pool lists any more.

Replaced and deleted files, states that lost a conflict, and what a cut upload has left take room until the sweep. The
sum is listed from the store now and then, beside the requests, and what this process writes is added meanwhile.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog

from serviceexecution.contract.quantities import format_quantity
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.store.errors import StoreError
from serviceexecution.store.pools.pool_store import PoolStore

logger = structlog.stdlib.get_logger()
TIMES: Final = 3
"""How many times what the data pools of a namespace may have may be kept of them."""
LOOK_AGAIN_SECONDS: Final = 600.0
REFUSED_LOOK_SECONDS: Final = 60.0
"""As long as somebody is refused: what the sweep has deleted is to be seen soon."""
_NAMESPACES: Final = 1000
_SECONDS: Final = 24 * 3600.0
_AT_ONCE: Final = 2
"""Listings of all namespaces together."""


@dataclass(slots=True)
class _Sum:
    """What is known of a namespace: bytes that were listed, and when, and bytes that were written since."""

    listed: int = 0
    at: float | None = None
    written: int = 0
    looking: asyncio.Task[None] | None = None


class KeptContent:
    """State owner of the sums."""

    def __init__(
        self, store: PoolStore, namespace_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``namespace_bytes`` is what the data pools of a namespace may have together."""
        self._store = store
        self._most = TIMES * namespace_bytes
        self._clock = clock
        self._sums: ExpiringCache[str, _Sum] = ExpiringCache(seconds=_SECONDS, capacity=_NAMESPACES)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def check(self, namespace: str, size: int) -> None:
        """Raise Problem 413 when the namespace keeps too much for so many bytes more.

        While nothing is known of it, it may write.
        """
        known = self._of(namespace)
        full = known.listed + known.written + size > self._most
        age = float("inf") if known.at is None else self._clock() - known.at
        if known.looking is None and age > (REFUSED_LOOK_SECONDS if full else LOOK_AGAIN_SECONDS):
            known.looking = asyncio.create_task(self._look(namespace, known))
        if full and known.at is not None:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "DataPoolsKeepTooMuch",
                f"Content of the namespace's data pools, with what was replaced or deleted lately, may have "
                f"{format_quantity(self._most)} bytes. The sweep makes room within some days.",
                members={"limit": self._most},
            )

    def add(self, namespace: str, size: int) -> None:
        """Count bytes that were written."""
        self._of(namespace).written += size

    def _of(self, namespace: str) -> _Sum:
        known = self._sums.get(namespace)
        if known is None:
            known = _Sum()
            self._sums.put(namespace, known)
        return known

    async def _look(self, namespace: str, known: _Sum) -> None:
        try:
            async with self._turns:
                before = known.written
                known.listed = await self._store.kept_bytes(namespace)
                # What was written meanwhile may be counted twice, until the next look
                known.written -= before
                known.at = self._clock()
        except StoreError as error:
            logger.warning("content of data pools cannot be counted", namespace=namespace, error=str(error))
        finally:
            known.looking = None
