"""Writes an object from a stream and knows afterwards what was in it."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from serviceexecution.store.storage.objects import Objects

_SMALL_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WrittenStream:
    """What was written: bytes, their SHA-256 in hexadecimal digits, and the backend's tag of this very write."""

    size: int
    sha256: str
    etag: str | None


def _anything(_: str) -> None:
    """Accept whatever came."""


async def write_stream(
    objects: Objects,
    key: str,
    chunks: AsyncIterable[bytes],
    *,
    expected_size: int = 0,
    check: Callable[[str], None] = _anything,
) -> WrittenStream:
    """Write or replace an object; an error raised by ``chunks`` or by ``check`` leaves the old content.

    ``check`` gets the SHA-256 of all that came before the write is completed. ``expected_size`` in bytes is a
    hint. Raises StoreError.
    """
    digest = hashlib.sha256()
    size = 0
    source = aiter(chunks)
    head = bytearray()
    ended = False

    async def take() -> bytes | None:
        nonlocal size
        chunk = await anext(source, None)
        if chunk is not None:
            digest.update(chunk)
            size += len(chunk)
        return chunk

    while not ended and len(head) <= _SMALL_BYTES:
        chunk = await take()
        ended = chunk is None
        head += chunk or b""

    async def everything() -> AsyncIterator[bytes]:
        while head:
            yield bytes(head)
            head.clear()
            # In large pieces: each crosses into the backend's own threads and back
            while len(head) <= _SMALL_BYTES and (chunk := await take()) is not None:
                head.extend(chunk)
        check(digest.hexdigest())

    if ended:  # One request instead of three where uploads have parts
        check(digest.hexdigest())
        etag = await objects.put(key, bytes(head))
    else:
        etag = await objects.put_stream(key, everything(), expected_size=expected_size)
    return WrittenStream(size, digest.hexdigest(), etag)
