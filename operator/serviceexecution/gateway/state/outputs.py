"""Committed outputs: what each file list says, found by path, parsed once for many requests."""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serviceexecution.fairness.turns import FairTurns, NoTurnError
from serviceexecution.fairness.work import THREADS
from serviceexecution.gateway.caches.expiring_cache import ExpiringCache
from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.http.problems import unavailable
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.records import OutputManifest, SkippedFile
from serviceexecution.store.store import ResultStore

REMEMBERED_BYTES: Final = 64 * 1024**2
"""What all remembered lists take; one namespace's take at most half of it."""
REMEMBERED_SECONDS: Final = 300.0
_REMEMBERED: Final = 4096
_BYTES_PER_FILE: Final = 400
"""What a file costs beside its path."""
_READS: Final = 4
_READS_PER_NAMESPACE: Final = 2
"""Lists that are read and parsed at the same time: the longest take some 50 MiB meanwhile."""
_WAIT_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class CommittedFile:
    """One output file as it was committed."""

    size: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class CommittedOutput:
    """An output that is complete: its files by path, in the order of the manifest."""

    attempt: int
    files: dict[str, CommittedFile]
    skipped: tuple[SkippedFile, ...]
    total_bytes: int
    limit_exceeded: bool
    committed_at: datetime
    weight: int
    """About the bytes of memory that this takes."""


class CommittedOutputs:
    """Reads file lists and remembers those of ended executions, which never change again."""

    def __init__(self, store: ResultStore, *, remembered_bytes: int = REMEMBERED_BYTES) -> None:
        self._store = store
        self._remembered_bytes = remembered_bytes
        self._known: ExpiringCache[ExecutionReference, CommittedOutput] = ExpiringCache(
            seconds=REMEMBERED_SECONDS, capacity=_REMEMBERED
        )
        self._weights: OrderedDict[ExecutionReference, int] = OrderedDict()
        self._of_namespace: Counter[str] = Counter()
        self._reads: SingleFlight[ExecutionReference, CommittedOutput | None] = SingleFlight()
        self._turns = FairTurns(_READS, per_key=_READS_PER_NAMESPACE, waiting_per_key=200)

    async def read(self, reference: ExecutionReference, *, final: bool) -> CommittedOutput | None:
        """Return the output, None while there is none; raises StoreError, Problem 503.

        ``final`` says that the execution has ended, so that its output stays as it is.
        """
        known = self._known.get(reference)
        if known is not None and final:
            return known
        found = await self._reads.ask(reference, lambda: self._read(reference))
        if found is not None and final:
            self._remember(reference, found)
        return found

    async def _read(self, reference: ExecutionReference) -> CommittedOutput | None:
        try:
            async with self._turns.turn(reference.namespace, wait=_WAIT_SECONDS):
                manifest = await self._store.outputs.read_manifest(reference)
                if manifest is None:
                    return None
                if len(manifest.files) < 500:
                    return committed_output(manifest)
                return await THREADS.run(reference.namespace, committed_output, manifest)
        except NoTurnError:
            raise unavailable("TooManyReads", "Too many results of this namespace are being read.") from None

    def _remember(self, reference: ExecutionReference, output: CommittedOutput) -> None:
        self._forget(reference)
        share = self._remembered_bytes // 2
        if output.weight > share:
            return
        self._known.put(reference, output)
        self._weights[reference] = output.weight
        self._of_namespace[reference.namespace] += output.weight
        while self._of_namespace[reference.namespace] > share:
            self._forget(next(one for one in self._weights if one.namespace == reference.namespace))
        while self._of_namespace.total() > self._remembered_bytes or len(self._weights) > _REMEMBERED:
            self._forget(next(iter(self._weights)))

    def _forget(self, reference: ExecutionReference) -> None:
        self._known.drop(reference)
        weight = self._weights.pop(reference, 0)
        self._of_namespace[reference.namespace] -= weight
        if not self._of_namespace[reference.namespace]:
            del self._of_namespace[reference.namespace]


def committed_output(manifest: OutputManifest) -> CommittedOutput:
    """Return a manifest as it is remembered. Pure."""
    media_types: dict[str, str] = {}
    files = {
        file.path: CommittedFile(
            file.size, file.sha256, media_types.setdefault(file.media_type, file.media_type)
        )
        for file in manifest.files
    }
    texts = sum(map(len, files)) + sum(len(one.path) + len(one.reason) for one in manifest.skipped)
    return CommittedOutput(
        attempt=manifest.attempt,
        files=files,
        skipped=manifest.skipped,
        total_bytes=manifest.total_bytes,
        limit_exceeded=manifest.limit_exceeded,
        committed_at=manifest.committed_at,
        weight=texts + _BYTES_PER_FILE * (len(files) + len(manifest.skipped) + 1),
    )


def pieces(output: CommittedOutput, size: int = 500) -> Iterator[list[tuple[str, CommittedFile]]]:
    """Give the files in pieces that are quick to work on."""
    piece: list[tuple[str, CommittedFile]] = []
    for item in output.files.items():
        piece.append(item)
        if len(piece) == size:
            yield piece
            piece = []
    if piece:
        yield piece
