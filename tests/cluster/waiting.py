"""Waiting for something that a real cluster does in its own time."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    """Return when the condition holds; raises TimeoutError after ``seconds``."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (a cluster has no events to wait for)
            await asyncio.sleep(0.1)
