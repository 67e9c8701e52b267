"""Receives output files within their limit, and commits the manifest once all of them are there."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway import metrics
from serviceexecution.gateway.collect.collectors import CollectorIdentity
from serviceexecution.gateway.collect.commits import CommitRequest, check_total, manifest_of
from serviceexecution.gateway.collect.upload_book import KnownFile, OutputPage, UploadBook
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.http.turns import UploadTurns
from serviceexecution.store.keys import check_output_path, encode_output_path
from serviceexecution.store.records import OutputManifest, StoredFile
from serviceexecution.store.store import ResultStore

_CONCURRENT_DIGESTS: Final = 4


class Uploads:
    """All uploads that this process is receiving."""

    def __init__(self, store: ResultStore, turns: UploadTurns) -> None:
        self._store = store
        self._turns = turns
        self._book = UploadBook(store)
        self._digests = asyncio.Semaphore(_CONCURRENT_DIGESTS)

    async def receive(
        self, identity: CollectorIdentity, path: str, chunks: AsyncIterable[bytes], length: int | None
    ) -> StoredFile:
        """Store one file; ``length`` in bytes when it is announced.

        Raises InvalidOutputPathError, StoreError, and Problem 409, 413, or 503 when too much is going on.
        """
        check_output_path(path)
        page = await self._book.page(identity)
        if path in page.in_flight:
            raise unavailable("UploadInProgress", f"Another upload of {path} has not ended yet.")
        page.in_flight.add(path)
        announced = length or 0
        page.reserved += announced
        try:
            room = _room_for(identity, page, path, announced)
            async with self._turns.turn(length):
                written = await self._store.write_output(
                    identity.ref,
                    path,
                    _limited(chunks, path, room),
                    attempt=identity.attempt,
                    expected_size=announced,
                )
            page.record(path, written)
            metrics.UPLOADS.inc()
            return written.file
        finally:
            page.in_flight.discard(path)
            page.reserved -= announced

    async def delete(self, identity: CollectorIdentity, path: str) -> None:
        """Delete a file that the program has removed again. Raises as ``receive``."""
        check_output_path(path)
        page = await self._book.page(identity)
        await self._store.delete_output(identity.ref, path, attempt=identity.attempt)
        page.forget(path)

    async def commit(self, identity: CollectorIdentity, request: CommitRequest) -> OutputManifest:
        """Write the manifest when all files are stored as the request says.

        Repeating a commit gives the same manifest. Raises StoreError, and Problem 409 that names the file,
        AlreadyCommitted when another output is committed, or 413.
        """
        wanted = manifest_of(identity, request, datetime.now(UTC))
        committed = await self._store.read_manifest(identity.ref)
        if committed is not None and committed.attempt == identity.attempt:
            if wanted.model_copy(update={"committed_at": committed.committed_at}) == committed:
                return committed
            raise Problem(HTTPStatus.CONFLICT, "AlreadyCommitted", "Another output is committed.")
        page = await self._book.page(identity)
        check_total(identity, wanted)
        await self._verify(identity, page, wanted.files)
        await self._store.commit_manifest(identity.ref, wanted)
        self._book.close(identity)
        metrics.COMMITS.inc()
        return wanted

    async def _verify(
        self, identity: CollectorIdentity, page: OutputPage, files: tuple[StoredFile, ...]
    ) -> None:
        listed = await self._store.list_outputs(identity.ref, attempt=identity.attempt)
        unknown: list[StoredFile] = []
        for file in files:
            key = encode_output_path(file.path)
            item = listed.get(key)
            if item is None or item.size != file.size:
                raise _mismatch(file.path)
            known = page.files.get(key)
            if known is None or known.sha256 is None or known.etag != item.etag:
                unknown.append(file)
            elif known.sha256 != file.sha256:
                raise _mismatch(file.path)
        # another replica, or this process before a restart, wrote these: read them back
        found_digests = await asyncio.gather(*(self._digest(identity, file) for file in unknown))
        for file, found in zip(unknown, found_digests, strict=True):
            if found != (file.size, file.sha256):
                raise _mismatch(file.path)
            key = encode_output_path(file.path)
            page.files[key] = KnownFile(file.size, file.sha256, listed[key].etag)

    async def _digest(self, identity: CollectorIdentity, file: StoredFile) -> tuple[int, str] | None:
        async with self._digests:
            return await self._store.digest_output(identity.ref, file.path, attempt=identity.attempt)


def _room_for(identity: CollectorIdentity, page: OutputPage, path: str, announced: int) -> int:
    """Return how many bytes this upload may have."""
    others = page.total - page.size_of(path) + page.reserved - announced
    room = identity.output_limit - others
    if announced > room:
        raise _too_large(path)
    return room


async def _limited(chunks: AsyncIterable[bytes], path: str, room: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > room:
            raise _too_large(path)
        yield chunk


def _too_large(path: str) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "OutputLimitExceeded",
        f"With {path} the output would be larger than its limit.",
        members={"path": path},
    )


def _mismatch(path: str) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT,
        "FileMismatch",
        f"What is stored for {path} is not what the commit lists.",
        members={"path": path},
    )
