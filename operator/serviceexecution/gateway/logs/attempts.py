"""The log of something that may be tried again: the logs of its attempts, one after the other."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from fastapi import Request
from typing_extensions import override

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.logs.reader import Lines, LogReader, Position, followed, pause
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore

_START: Final = Position()


@dataclass(frozen=True, slots=True)
class AttemptProgress:
    """How far it has come: the newest attempt, counted from 1, and whether nothing follows.

    ``waits``: the newest one is over, or has not begun, and another log follows for certain.
    """

    attempt: int
    over: bool
    waits: bool = False


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
    def parse(cls, text: str, *, plain: bool = False) -> "Place":
        """Return the place of an event's id; the start of the first log when it is none of ours.

        With ``plain`` an id without an attempt is of the first one.
        """
        attempt, point, position = text.partition(".")
        if point and attempt.isascii() and attempt.isdecimal() and len(attempt) < 4 and int(attempt):
            return cls(int(attempt), Position.parse(position))
        return cls(1, Position.parse(text)) if plain else cls()


def asked_attempt(request: Request, made: int) -> int:
    """Return the attempt whose log is asked for: the last of those ``made`` unless ``?attempt=N`` says another.

    Raises Problem 404 for one that there is not.
    """
    text = request.query_params.get("attempt")
    if text is None:
        return made
    if text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= made:
        return int(text)
    raise Problem(
        HTTPStatus.NOT_FOUND,
        "AttemptNotFound",
        f"There is no such attempt: give a number from 1 to {made} as the parameter attempt, or leave it out.",
    )


async def followed_attempts(
    store: ResultStore,
    reference: ExecutionReference,
    place: Place,
    *,
    progress: Callable[[], Awaitable[AttemptProgress]],
    draining: asyncio.Event,
    plain: bool = False,
    patience: float = math.inf,
) -> AsyncIterator[Lines | None]:
    """Give lines as they come, None after each look that found nothing, until all is over or when ``draining``.

    With ``plain`` the ids of the first attempt's events have no attempt in them. ``patience`` is how many looks long it
    is waited for word of another attempt when a log is complete. Raises StoreError, and what ``progress`` raises.
    """
    attempt = place.attempt
    reader = LogReader(store, reference, attempt, place.position)

    async def ended() -> bool:
        now = await progress()
        return now.over or now.attempt > attempt

    looks = 0
    while True:
        async for lines in followed(reader, ended=ended, draining=draining):
            prefix = "" if plain and attempt == 1 else f"{attempt}."
            yield None if lines is None else replace(lines, prefix=prefix)
        now = await progress()
        if draining.is_set() or (now.over and now.attempt <= attempt):
            return
        if now.attempt > attempt:
            looks = 0
            attempt += 1
            reader = LogReader(store, reference, attempt)
        else:  # This log is complete, and whether there will be another attempt is not decided yet
            looks += 0 if now.waits else 1
            if looks > patience:
                return
            yield None
            await pause(draining)
