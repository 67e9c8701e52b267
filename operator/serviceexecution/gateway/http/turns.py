"""Bounds how many uploads are received at once, and with that the memory that they take."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Final

from serviceexecution.gateway.http.problems import unavailable

LARGE_BYTES: Final = 1024 * 1024


class UploadTurns:
    """The turns of all uploads of this process, of output files and of sources alike."""

    def __init__(self, *, large: int, small: int, queue_seconds: float) -> None:
        """``large`` and ``small`` are how many of above 1 MiB, or below, are received at the same time."""
        self._large = asyncio.Semaphore(large)
        self._small = asyncio.Semaphore(small)
        self._queue_seconds = queue_seconds

    @contextlib.asynccontextmanager
    async def turn(self, length: int | None) -> AsyncGenerator[None, None]:
        """Wait for a turn of an upload of ``length`` bytes, None when nobody knows; raises Problem 503."""
        turns = self._small if length is not None and length <= LARGE_BYTES else self._large
        try:
            async with asyncio.timeout(self._queue_seconds):
                await turns.acquire()
        except TimeoutError:
            raise unavailable("TooManyUploads", "Too many uploads are running.") from None
        try:
            yield
        finally:
            turns.release()
