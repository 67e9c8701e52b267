"""What ends the demo early."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class DemoError(Exception):
    """Something is off; the message is one sentence for the user."""


@asynccontextmanager
async def within(seconds: float, sentence: str) -> AsyncIterator[None]:
    """Raise DemoError with ``sentence`` when the block takes longer than ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise DemoError(f"{sentence} (waited {seconds:.0f} s)") from None
