"""Request bodies as they come, without waiting for ever."""

import asyncio
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from serviceexecution.gateway.http.problems import Problem

CLIENT_GONE: Final = 499
"""Status for the access log when a client has gone away in the middle of its body; nobody reads the answer."""


def content_length(request: Request) -> int | None:
    """Return the announced size of the body in bytes, None when there is none."""
    text = request.headers.get("content-length", "")
    return int(text[:20]) if text.isascii() and text.isdecimal() else None


async def body_chunks(
    request: Request, idle_seconds: float, all_seconds: float = float("inf")
) -> AsyncIterator[bytes]:
    """Give the body as it comes.

    Raises ClientDisconnect, and Problem 408 when the sender falls silent, or is not done after ``all_seconds``.
    """
    chunks = request.stream()
    end = time.monotonic() + all_seconds
    while True:
        try:
            async with asyncio.timeout(min(idle_seconds, max(0.0, end - time.monotonic()))):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise Problem(
                HTTPStatus.REQUEST_TIMEOUT, "BodyTimeout", "The rest of the body did not come."
            ) from None
        if chunk is None:
            return
        if chunk:
            yield chunk


async def whole_body(
    request: Request, idle_seconds: float, limit: int, refusal: Problem, all_seconds: float = float("inf")
) -> bytes:
    """Return the body, never more than ``limit`` bytes of it; raises as ``body_chunks``, and ``refusal``."""
    if (content_length(request) or 0) > limit:
        raise refusal
    body = bytearray()
    async for chunk in body_chunks(request, idle_seconds, all_seconds):
        body += chunk
        if len(body) > limit:
            raise refusal
    return bytes(body)
