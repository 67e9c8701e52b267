"""Commits an output once all of its files are in the store as the collector says. One at a time for an execution."""

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway import metrics
from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.collect.commit_reader import CommitReader, too_long
from serviceexecution.gateway.collect.commits import (
    MAX_COMMIT_BYTES,
    Commit,
    CommittedFile,
    check_total,
    record_end,
    record_text,
    series_of,
    sorted_steps,
)
from serviceexecution.gateway.collect.known_outputs import AttemptOutput, KnownFile, KnownOutputs
from serviceexecution.gateway.collect.pools.settling import PoolSettling
from serviceexecution.gateway.collect.uploads import Body
from serviceexecution.gateway.http.bodies.upload_slots import UploadSlots
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.store.errors import StoreError
from serviceexecution.store.keys import encode_output_path
from serviceexecution.store.store import ResultStore

LARGE_COMMITS: Final = 2
"""Commits above 1 MiB, or of unknown length, at the same time: each takes up to 80 MiB with names as long as may be."""
SMALL_COMMITS: Final = 16
"""Up to 1 MiB, 8,000 files with common names; each takes up to 10 MiB."""
SMALL_COMMIT_BYTES: Final = 64 * 1024
"""A longer commit is read only when the execution waits for it. Of all others that is asked once, at their end."""
_DIGESTS: Final = 4
_FED_AT_ONCE: Final = 32 * 1024

Confirm = Callable[[CollectorIdentity], Awaitable[None]]


class Commits:
    """All commits that this process works on."""

    def __init__(
        self,
        store: ResultStore,
        known: KnownOutputs,
        queue_seconds: float,
        confirm: Confirm,
        pools: PoolSettling,
    ) -> None:
        """``confirm`` raises when the execution has ended meanwhile."""
        self._pools = pools
        self._store = store
        self._known = known
        self._confirm = confirm
        self._slots = UploadSlots(
            large=LARGE_COMMITS, small=SMALL_COMMITS, queue_seconds=queue_seconds, what="commits"
        )

    async def receive(self, identity: CollectorIdentity, body: Body, length: int | None) -> Commit:
        """Read a commit and write its record when all files are stored as it says.

        Repeating a commit changes nothing. Raises StoreError, InvalidOutputPathError, KubernetesError, and Problem
        400, 409 that names the file, AlreadyCommitted when another output is committed, 410, 413, or 503.
        """
        if (length or 0) > MAX_COMMIT_BYTES:
            raise too_long(MAX_COMMIT_BYTES)
        with self._alone(identity):
            async with self._slots.turn(identity.reference.namespace, length) as contended:
                if length is None or length > SMALL_COMMIT_BYTES:
                    await self._confirm(identity)
                commit = await _read(body(contended))
                await self._commit(identity, commit)
                return commit

    @contextlib.contextmanager
    def _alone(self, identity: CollectorIdentity) -> Iterator[None]:
        """Keep uploads and other commits of the execution off: what was checked is what is committed."""
        activity = self._known.activity(identity)
        if activity.committing:
            raise unavailable("CommitInProgress", "Another commit of this output has not ended yet.")
        if activity.in_flight:
            raise unavailable("UploadInProgress", "An upload of this execution has not ended yet.")
        activity.committing = True
        try:
            yield
        finally:
            activity.committing = False
            self._known.release(identity)

    async def _commit(self, identity: CollectorIdentity, commit: Commit) -> None:
        ordered: list[CommittedFile] = []
        for _ in sorted_steps(commit, ordered):
            await asyncio.sleep(0)
        attempt = await self._store.commits.attempt_of(identity.reference)
        if attempt is not None and attempt == identity.attempt:
            await self._confirm(identity)
            if await self._store.commits.is_committed(identity.reference, _text(identity, commit, ordered)):
                return
            raise Problem(HTTPStatus.CONFLICT, "AlreadyCommitted", "Another output is committed.")
        output = await self._known.output(identity)
        check_total(identity, commit)
        try:
            await self._verify(identity, output, commit)
        except Problem:
            await self._confirm(identity)  # What nobody waits for any more may be gone from the store
            raise
        await self._confirm(identity)
        series = series_of(identity, commit)
        if series is not None:
            await self._store.usage.write_series(identity.reference, series)
        # Before the record: a gateway that goes down in between is asked again, and finds what it has done
        pools = await self._pools.settle(identity, commit.pools)
        text = _text(identity, commit, ordered, record_end(datetime.now(UTC), pools))
        await self._store.commits.seal(identity.reference, identity.attempt, commit.files.keys(), text)
        self._known.close(identity)
        if commit.pools:
            with contextlib.suppress(StoreError):  # What is left is the sweep's
                await self._pools.forget(identity, pools)
        metrics.COMMITS.inc()

    async def _verify(self, identity: CollectorIdentity, output: AttemptOutput, commit: Commit) -> None:
        unknown: list[tuple[str, str | None]] = []
        found: set[str] = set()
        async for batch in self._store.outputs.of(identity.reference, identity.attempt).batches():
            for key, item in batch:
                file = commit.files.get(key)
                if file is None:
                    continue
                known = output.files.get(key)
                if known is None or known.sha256 is None or known.etag != item.etag:
                    unknown.append((key, item.etag))
                elif known.sha256 != file.sha256:
                    raise _mismatch(file.path)
                if item.size != file.size:
                    raise _mismatch(file.path)
                found.add(key)
        missing = next((file for key, file in commit.files.items() if key not in found), None)
        if missing is not None:
            raise _mismatch(missing.path)
        await self._read_back(identity, output, commit, unknown)

    async def _read_back(
        self,
        identity: CollectorIdentity,
        output: AttemptOutput,
        commit: Commit,
        unknown: list[tuple[str, str | None]],
    ) -> None:
        """Check what another replica wrote, or this process before a restart. Each file is read once."""
        rest = iter(unknown)

        async def worker() -> None:
            for key, etag in rest:
                file = commit.files[key]
                found = await self._store.outputs.of(identity.reference, identity.attempt).digest(file.path)
                if found is None:
                    raise _mismatch(file.path)
                size, sha256 = found
                output.put(encode_output_path(file.path), KnownFile(size, bytes.fromhex(sha256), etag))
                if (size, sha256) != (file.size, file.sha256.hex()):
                    raise _mismatch(file.path)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(_DIGESTS, len(unknown))):
                    group.create_task(worker())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None


async def _read(chunks: AsyncIterable[bytes]) -> Commit:
    reader = CommitReader()
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_COMMIT_BYTES:
            raise too_long(MAX_COMMIT_BYTES)
        for start in range(0, len(chunk), _FED_AT_ONCE):
            reader.feed(chunk[start : start + _FED_AT_ONCE])
            await asyncio.sleep(0)
    return reader.end()


async def _text(
    identity: CollectorIdentity, commit: Commit, files: list[CommittedFile], end: bytes = b""
) -> AsyncIterator[bytes]:
    for piece in record_text(identity, commit, files):
        yield piece
        await asyncio.sleep(0)
    if end:
        yield end


def _mismatch(path: str) -> Problem:
    return Problem(
        HTTPStatus.CONFLICT,
        "FileMismatch",
        f"What is stored for {path} is not what the commit lists.",
        members={"path": path},
    )
