"""The log of something that may be tried again: the logs of its attempts, one after the other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from typing_extensions import override

from serviceexecution.gateway.logs.reader import Lines, LogReader, Position, followed, pause
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore

_START: Final = Position()


@dataclass(frozen=True, slots=True)
class AttemptProgress:
    """How far it has come: the newest attempt, counted from 1, and whether nothing follows."""

    attempt: int
    over: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the logs of all attempts."""

    attempt: int = 1
    position: Position = _START

    @override
    def __str__(self) -> str:
        """Return the form that an event's id has, such as 1.3-20."""
        return f"{self.attempt}.{self.position}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Return the place of an event's id; the start of the first log when it is none of ours."""
        attempt, point, position = text.partition(".")
        if point and attempt.isascii() and attempt.isdecimal() and len(attempt) < 4 and int(attempt):
            return cls(int(attempt), Position.parse(position))
        return cls()


async def followed_attempts(
    store: ResultStore,
    reference: ExecutionReference,
    place: Place,
    *,
    progress: Callable[[], Awaitable[AttemptProgress]],
    draining: asyncio.Event,
) -> AsyncIterator[Lines | None]:
    """Give lines as they come, None after each look that found nothing, until all is over or when ``draining``.

    Raises StoreError, and what ``progress`` raises.
    """
    attempt = place.attempt
    reader = LogReader(store, reference, attempt, place.position)

    async def ended() -> bool:
        now = await progress()
        return now.over or now.attempt > attempt

    while True:
        async for lines in followed(reader, ended=ended, draining=draining):
            yield None if lines is None else replace(lines, prefix=f"{attempt}.")
        now = await progress()
        if draining.is_set() or (now.over and now.attempt <= attempt):
            return
        if now.attempt > attempt:
            attempt += 1
            reader = LogReader(store, reference, attempt)
        else:  # This log is complete, and whether there will be another attempt is not decided yet
            yield None
            await pause(draining)
