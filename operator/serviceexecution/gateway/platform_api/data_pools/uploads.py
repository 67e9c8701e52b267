"""Receives files of data pools: one part of a multipart body each, hashed as it comes and never held as a whole."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.requests import Request

from serviceexecution.gateway.data_pools.heads import PoolHeads
from serviceexecution.gateway.data_pools.limits import PoolLimits
from serviceexecution.gateway.data_pools.names import checked_name
from serviceexecution.gateway.http.bodies.multipart import OVERHEAD_BYTES, uploaded_file
from serviceexecution.gateway.http.bodies.pace import Pace, paced_chunks
from serviceexecution.gateway.http.bodies.reading import content_length
from serviceexecution.gateway.http.bodies.upload_slots import UploadSlots
from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.store.media_types import media_type_of
from serviceexecution.store.pools.changes import Change
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.records import PoolFile, file_id
from serviceexecution.store.store import ResultStore


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file that is being uploaded. ``length`` in bytes is its request's, None when nobody knows."""

    name: str
    length: int | None
    content_type: str | None
    chunks: AsyncIterator[bytes]


class PoolUploads:
    """State owner of the slots that uploads of all data pools share."""

    def __init__(
        self, store: ResultStore, heads: PoolHeads, limits: PoolLimits, settings: GatewaySettings
    ) -> None:
        self._store = store
        self._heads = heads
        self._limits = limits
        self._settings = settings
        # Slots of their own: people who upload slowly hold up no output of programs
        self._slots = UploadSlots(
            large=settings.pool_uploads,
            small=settings.small_uploads,
            queue_seconds=settings.upload_queue_seconds,
        )

    async def receive(self, request: Request, pool: Pool, reference: PoolReference) -> PoolFile:
        """Take the request's file into the data pool, and return it.

        Raises ClientDisconnect; Problem 400, 404, 408, 413, 503; StoreError; KubernetesError.
        """
        async with self.incoming(request, reference.namespace) as incoming:
            name, length = incoming.name, incoming.length
            identifier = file_id(reference.uid, name)
            await self._check_room(pool, reference, identifier, length)
            self._heads.kept.check(reference.namespace, max(0, (length or 0) - OVERHEAD_BYTES))
            blob = await self._store.pools.write_blob(reference, incoming.chunks, expected_size=length or 0)
            self._heads.kept.add(reference.namespace, blob.size)
        file = PoolFile(
            name=name,
            id=identifier,
            sha256=blob.sha256,
            size=blob.size,
            content_type=incoming.content_type or media_type_of(name),
            created_at=datetime.now(UTC).replace(microsecond=0),
            blob=blob.blob,
        )
        return await self._taken(reference, file)

    @contextlib.asynccontextmanager
    async def incoming(self, request: Request, namespace: str) -> AsyncGenerator[IncomingFile, None]:
        """Give the request's file as it comes; raises ClientDisconnect, Problem 400, 408, 413, 503."""
        asked = request.query_params.get("filename")
        name = None if asked is None else checked_name(asked)
        length = content_length(request)
        if length is not None:
            self._limits.check_file(length - OVERHEAD_BYTES)
        async with self._slots.turn(namespace, length) as contended:
            body = paced_chunks(request, Pace(contended), idle_seconds=self._settings.body_idle_seconds)
            uploaded = await uploaded_file(body, request.headers.get("content-type"))
            name = checked_name(uploaded.name) if name is None else name
            chunks = self._bounded(uploaded.chunks, may_be_empty=length is not None)
            yield IncomingFile(name, length, uploaded.content_type, chunks)

    async def _taken(self, reference: PoolReference, file: PoolFile) -> PoolFile:
        """Return the file as the data pool has it now."""
        pools = self._store.pools
        try:
            index = await self._heads.apply(reference, [Change.put(file)])
        except Problem as problem:
            if problem.status in {HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}:
                await pools.delete_blob(reference, file.blob)  # Nobody will name it
            raise
        found = await pools.find(reference, index, file.id)
        if found is None or found.blob != file.blob:
            await pools.delete_blob(reference, file.blob)  # It was there already
        return file if found is None else found

    async def _check_room(
        self, pool: Pool, reference: PoolReference, identifier: str, length: int | None
    ) -> None:
        """Refuse what cannot fit before it is taken; what is uploaded meanwhile is found at the end."""
        index = await self._store.pools.read_index(reference, pool.status.index)
        old = await self._store.pools.find(reference, index, identifier)
        least = max(0, (length or 0) - OVERHEAD_BYTES)
        self._limits.check_room(index, old, least)

    async def _bounded(self, chunks: AsyncIterator[bytes], *, may_be_empty: bool) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            self._limits.check_file(size)
            yield chunk
        if not size and not may_be_empty:
            # A client that cannot send its source a second time sends nothing when it tries again
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "EmptyUpload",
                "Nothing came. An empty file must be sent with its Content-Length.",
            )
