"""Executions whose deletion was seen, noted in the store, so that the sweep knows that they are not merely missing."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from serviceexecution.store.errors import StoreError
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()

NOTE_SECONDS: Final = 30.0
MOST_WAITING: Final = 50_000
"""Uids that wait for the store. Of more than these the sweep finds that they are gone, as of those that a controller
did not see."""


class SeenDeletions:
    """State owner of the deletions that are not noted yet; a restart forgets those of the last half minute."""

    def __init__(
        self,
        store: ResultStore,
        *,
        clock: Callable[[], datetime],
        nothing_left: Callable[[], bool],
        always_allowed: int,
    ) -> None:
        """When more than ``always_allowed`` went at once and ``nothing_left`` says that no execution is known any
        more, the CRD may have been deleted by mistake: that is noted of none of them.
        """
        self._store = store
        self._clock = clock
        self._nothing_left = nothing_left
        self._always_allowed = always_allowed
        self._waiting: dict[tuple[str, str], datetime] = {}

    def saw(self, namespace: str, uid: str) -> None:
        """Take the deletion of an execution. Never waits."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.setdefault((namespace, uid), self._clock())

    async def run(self) -> None:
        """Note deletions for ever."""
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            try:
                await self.note()
            except StoreError as error:
                logger.info("seen deletions are noted later", waiting=len(self._waiting), error=str(error))

    async def note(self) -> None:
        """Note what was seen so far; raises StoreError, and keeps what is not noted."""
        if len(self._waiting) > self._always_allowed and self._nothing_left():
            logger.warning(
                "all executions were deleted at once: their results are swept only when that is allowed",
                executions=len(self._waiting),
            )
            self._waiting.clear()
        while self._waiting:
            (namespace, uid), at = next(iter(self._waiting.items()))
            await self._store.notes.write_tombstone(namespace, uid, at, seen=True)
            del self._waiting[namespace, uid]
