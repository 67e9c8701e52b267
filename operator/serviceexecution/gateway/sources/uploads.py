"""Receives archives into the store, within the slots that all uploads of sources share."""

from collections.abc import AsyncIterator

from starlette.requests import Request

from serviceexecution.gateway import metrics
from serviceexecution.gateway.http.bodies.multipart import OVERHEAD_BYTES, uploaded_file
from serviceexecution.gateway.http.bodies.pace import Pace, paced_chunks
from serviceexecution.gateway.http.bodies.reading import content_length
from serviceexecution.gateway.http.bodies.upload_slots import UploadSlots
from serviceexecution.gateway.settings import GatewaySettings
from serviceexecution.gateway.sources.archives import archive_too_large, checked_archive
from serviceexecution.store.store import ResultStore


class SourceUploads:
    """State owner of those slots. They are their own: people who upload slowly hold up no output of programs."""

    def __init__(self, store: ResultStore, settings: GatewaySettings) -> None:
        self._store = store
        self._settings = settings
        self._slots = UploadSlots(
            large=settings.source_uploads,
            small=settings.small_uploads,
            queue_seconds=settings.upload_queue_seconds,
        )

    async def receive(self, request: Request, namespace: str, digest: str) -> int:
        """Take the body as the archive of that digest, and return its size in bytes.

        Raises ClientDisconnect; Problem 408, 413, 415, 503; SourceMismatchError, StoreError.
        """
        limit, length = self._settings.source_limit, content_length(request)
        if length is not None and length > limit:
            raise archive_too_large(limit)
        async with self._slots.turn(namespace, length) as contended:
            chunks = checked_archive(self._body(request, Pace(contended)), limit)
            size = await self._store.sources.write_source(
                namespace, digest, chunks, expected_size=length or 0
            )
        metrics.SOURCES.inc()
        return size

    async def receive_part(self, request: Request, namespace: str) -> str:
        """Take the part ``file`` of the body as an archive, and return its SHA-256.

        Raises ClientDisconnect; Problem 400, 408, 413, 415, 503; StoreError.
        """
        limit, length = self._settings.source_limit, content_length(request)
        if length is not None and length - OVERHEAD_BYTES > limit:
            raise archive_too_large(limit)
        async with self._slots.turn(namespace, length) as contended:
            body = self._body(request, Pace(contended))
            uploaded = await uploaded_file(body, request.headers.get("content-type"))
            digest = await self._store.sources.write_new_source(
                namespace, checked_archive(uploaded.chunks, limit), expected_size=length or 0
            )
        metrics.SOURCES.inc()
        return digest

    def _body(self, request: Request, pace: Pace) -> AsyncIterator[bytes]:
        return paced_chunks(
            request,
            pace,
            idle_seconds=self._settings.body_idle_seconds,
            all_seconds=self._settings.source_seconds,
        )
