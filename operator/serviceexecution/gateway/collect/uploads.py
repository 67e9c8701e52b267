"""Receives output files within the execution's limits."""

import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway import metrics
from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.collect.commits import MAX_DIRECTORIES, MAX_FILES
from serviceexecution.gateway.collect.known_outputs import (
    Activity,
    AttemptOutput,
    KnownOutputs,
    directories_of,
)
from serviceexecution.gateway.http.bodies.upload_slots import Contended, UploadSlots
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.store.keys import encode_output_path
from serviceexecution.store.records import StoredFile
from serviceexecution.store.store import ResultStore

MAX_UPLOADS: Final = 2
"""Uploads of one execution at the same time. Its collector sends one after the other; the second is for one whose
connection broke and of which the gateway does not know yet."""

Body = Callable[[Contended], AsyncIterable[bytes]]
"""Gives the body, once it is known whether others wait for the turn to receive it."""


class Uploads:
    """All uploads that this process is receiving."""

    def __init__(self, store: ResultStore, known: KnownOutputs, slots: UploadSlots) -> None:
        self._store = store
        self._slots = slots
        self._known = known

    async def receive(
        self, identity: CollectorIdentity, path: str, body: Body, length: int | None
    ) -> StoredFile:
        """Store one file; ``length`` in bytes when it is announced.

        Raises InvalidOutputPathError, StoreError, and Problem 409, 413, or 503 when too much is going on.
        """
        key = encode_output_path(path)
        output = await self._known.output(identity)
        announced = length or 0
        with self._running(identity, output, path, key, announced) as room:
            async with self._slots.turn(identity.reference.namespace, length) as contended:
                written = await self._store.outputs.of(identity.reference, identity.attempt).write(
                    path, self._checked(identity, body(contended), path, room), expected_size=announced
                )
            self._known.record(identity, written)
            metrics.UPLOADS.inc()
            return written.file

    async def delete(self, identity: CollectorIdentity, path: str) -> None:
        """Delete a file that the program has removed again. Raises as ``receive``."""
        key = encode_output_path(path)
        output = await self._known.output(identity)
        with self._running(identity, output, path, key, 0):
            await self._store.outputs.of(identity.reference, identity.attempt).delete(path)
            self._known.forget(identity, path)

    @contextlib.contextmanager
    def _running(
        self, identity: CollectorIdentity, output: AttemptOutput, path: str, key: str, announced: int
    ) -> Iterator[int]:
        """Take note of a running upload, and give the most bytes that it may have."""
        activity = self._known.activity(identity)
        if activity.committing:
            raise unavailable("CommitInProgress", "The output is being committed.")
        if key in activity.in_flight:
            raise unavailable("UploadInProgress", f"Another upload of {path} has not ended yet.")
        if len(activity.in_flight) >= MAX_UPLOADS:
            raise unavailable("UploadInProgress", "Other uploads of this execution have not ended yet.")
        known = output.files.get(key)
        room = identity.output_limit - output.total + (known.size if known else 0) - activity.reserved
        if announced > room:
            raise _too_large(path)
        _check_count(output, activity, key)
        activity.in_flight.add(key)
        activity.reserved += announced
        try:
            yield room
        finally:
            activity.in_flight.discard(key)
            activity.reserved -= announced
            self._known.release(identity)

    async def _checked(
        self, identity: CollectorIdentity, chunks: AsyncIterable[bytes], path: str, room: int
    ) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > room:
                raise _too_large(path)
            yield chunk
        # What is raised here leaves the old content: another replica may have committed it meanwhile
        await self._known.check_open(identity)


def _check_count(output: AttemptOutput, activity: Activity, key: str) -> None:
    """Raise Problem 413 when there would be too many files; one that replaces another is none more."""
    new = {other for other in (*activity.in_flight, key) if other not in output.files}
    if len(output.files) + len(new) > MAX_FILES:
        raise _too_many(f"more than {MAX_FILES:,} files")
    directories = directories_of(key) - output.directories
    if directories and len(output.directories) + len(directories) > MAX_DIRECTORIES:
        raise _too_many(f"more than {MAX_DIRECTORIES:,} directories")


def _too_many(what: str) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "TooManyFiles", f"With this file the output would have {what}."
    )


def _too_large(path: str) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "OutputLimitExceeded",
        f"With {path} the output would be larger than its limit.",
        members={"path": path},
    )
