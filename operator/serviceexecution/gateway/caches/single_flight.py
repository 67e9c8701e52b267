"""Asks a question once while many want the answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """State owner of the questions that are being asked."""

    def __init__(self) -> None:
        self._asked: dict[K, asyncio.Task[V]] = {}

    async def ask(self, key: K, question: Callable[[], Awaitable[V]]) -> V:
        """Return the answer, or raise what the question raises; a caller who goes away stops nobody else's."""
        task = self._asked.get(key)
        if task is None:
            task = asyncio.create_task(_answer(question))
            self._asked[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    def _forget(self, key: K, task: asyncio.Task[V]) -> None:
        del self._asked[key]
        if not task.cancelled():
            task.exception()  # Seen, also when every caller has gone away


async def _answer(question: Callable[[], Awaitable[V]]) -> V:
    return await question()
