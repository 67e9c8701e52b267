"""What ends the demo early."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class DemoError(Exception):
    """Something is off; the message is one sentence for the user."""


@asynccontextmanager
async def within(seconds: float, sentence: str, see: str = "") -> AsyncIterator[None]:
    """Raise DemoError with ``sentence``, which tells what did not happen, when the block takes longer than
    ``seconds``; ``see`` is a command that tells more.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        hint = f"; see: {see}" if see else "."
        raise DemoError(f"{sentence} within {seconds:.0f} s{hint}") from None
