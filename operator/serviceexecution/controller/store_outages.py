"""Tells the operator's owner of a store that does not answer: a line in the log, a metric, and an Event."""

import asyncio
import contextlib
from datetime import datetime
from typing import Final, Literal

import structlog

from serviceexecution.controller.metrics import STORE_UNANSWERED
from serviceexecution.kube.events import EventPoster, ObjectIdentity
from serviceexecution.store.errors import StoreError
from serviceexecution.store.storage.answers import away_sentence
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()

LOOK_SECONDS: Final = 10.0


class StoreOutages:
    """Looks whether the store answers those who ask, and asks itself only while it does not."""

    def __init__(
        self, store: ResultStore, events: EventPoster, *, lease_namespace: str, lease_name: str
    ) -> None:
        """The Events are about the controller's Lease; without one there are none."""
        self._store = store
        self._answers = store.answers
        self._events = events
        self._about = ObjectIdentity("coordination.k8s.io/v1", "Lease", lease_namespace, lease_name, uid="")
        self._said: datetime | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Say what is new: an outage, once, and its end."""
        if self._answers.away_seconds():
            with contextlib.suppress(StoreError):
                await self._store.check()  # Else an outage would last until somebody needs the store
        STORE_UNANSWERED.set(self._answers.away_seconds())
        since, said = self._answers.away_since(), self._said
        self._said = since
        if since is not None and since != said:
            logger.error("the results store does not answer", since=since.isoformat())
            await self._post("Warning", "StoreUnavailable", away_sentence(since), since)
        elif since is None and said is not None:
            logger.info("the results store answers again", away_since=said.isoformat())
            await self._post("Normal", "StoreAvailable", "The results store answers again.", said)

    async def _post(
        self, type_: Literal["Normal", "Warning"], reason: str, message: str, since: datetime
    ) -> None:
        if self._about.name:
            await self._events.post(
                self._about, type_=type_, reason=reason, message=message, occurrence=since.isoformat()
            )
