"""The content of a data pool as one stream of bytes: all files of a listing behind each other, from any byte on.

A pod fetches its files in stretches. Ten thousand small files take a few requests, and one that was cut goes on where
it was. Whether each file is what the listing says is checked by the pod, which would have to do it anyway.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain
from typing import Final

from serviceexecution.gateway.collect.pools.listing import Piece, PoolListing
from serviceexecution.gateway.collect.pools.listings import damaged
from serviceexecution.store.errors import StoreError
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.pool_store import PoolStore
from serviceexecution.store.storage.objects import ObjectStream

MAX_ANSWER_BYTES: Final = 256 * 1024 * 1024
"""Of one answer: the rest is asked for again, in a turn of its own."""
_SMALL_BYTES: Final = 256 * 1024
_SMALL_AT_ONCE: Final = 16
"""Small files that are read at the same time: from an object store each takes some tens of milliseconds."""


class PoolContent:
    """Reads content of pools."""

    def __init__(self, store: PoolStore) -> None:
        self._store = store

    async def open(
        self, reference: PoolReference, listing: PoolListing, start: int, end: int
    ) -> AsyncIterator[bytes]:
        """Return the bytes ``start`` to ``end`` (exclusive), of which there is at least one.

        Raises Problem 409 when the first of them are not in the store, StoreError. What turns out later ends the
        stream with a StoreError: whoever asks for the rest is told.
        """
        groups = _groups(listing.pieces(start, end))
        first = next(groups)
        head = await self._found(reference, first[0])
        if head is None:
            raise damaged(f'The content of its file "{first[0].file.name}" is lost.')
        return self._stream(reference, first, head, groups)

    async def _stream(
        self, reference: PoolReference, first: list[Piece], head: ObjectStream, rest: Iterator[list[Piece]]
    ) -> AsyncIterator[bytes]:
        async for chunk in head.chunks:
            yield chunk
        for group in chain((first[1:],), rest):
            if len(group) == 1:
                async for chunk in (await self._opened(reference, group[0])).chunks:
                    yield chunk
                continue
            reads = [asyncio.ensure_future(self._whole(reference, piece)) for piece in group]
            try:
                for read in reads:
                    yield await read
            finally:
                for read in reads:
                    read.cancel()
                await asyncio.gather(*reads, return_exceptions=True)

    async def _opened(self, reference: PoolReference, piece: Piece) -> ObjectStream:
        stream = await self._found(reference, piece)
        if stream is None:
            raise StoreError(f"content {piece.file.blob} of a data pool is lost")
        return stream

    async def _found(self, reference: PoolReference, piece: Piece) -> ObjectStream | None:
        stream = await self._store.open_blob(reference, piece.file.blob, (piece.start, piece.end))
        return None if stream is None or stream.size != piece.file.size else stream

    async def _whole(self, reference: PoolReference, piece: Piece) -> bytes:
        return b"".join([chunk async for chunk in (await self._opened(reference, piece)).chunks])


def _groups(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Give the pieces in groups: small ones together, a large one by itself."""
    group: list[Piece] = []
    for piece in pieces:
        small = piece.end - piece.start <= _SMALL_BYTES
        if group and (not small or len(group) >= _SMALL_AT_ONCE):
            yield group
            group = []
        if small:
            group.append(piece)
        else:
            yield [piece]
    if group:
        yield group
