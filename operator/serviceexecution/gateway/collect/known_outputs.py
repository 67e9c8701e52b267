"""What this process knows of outputs that are being collected: sizes, and the digests of what it wrote itself.

Only a cache: it is filled from the store, any replica can take over, and a commit is checked against the store. What
runs at this moment (``Activity``) is kept apart: that is known nowhere else.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from serviceexecution.fairness.turns import FairTurns, NoTurnError
from serviceexecution.gateway.caches.single_flight import SingleFlight
from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.store.keys import encode_output_path
from serviceexecution.store.outputs import WrittenOutput
from serviceexecution.store.store import ResultStore

AttemptKey = tuple[str, str, int]
"""Namespace, uid and attempt. Also the namespace: somebody else's objects may claim any uid."""

KNOWN_BYTES: Final = 64 * 1024 * 1024
"""Memory that all outputs may take. One output has at most 50,000 files, whose keys have 700 bytes at most: 54 MiB."""
_OUTPUT_BYTES: Final = 1024
_ENTRY_BYTES: Final = 400
"""Of one file's entry, without its key."""
_DIRECTORY_BYTES: Final = 80
_IDLE_SECONDS: Final = 900.0
"""An output that nobody asked for so long goes: its execution has ended without a commit, or its program is slow."""
_CHECK_SECONDS: Final = 5.0
"""How long it is believed that no other replica has committed the output."""
_OPENINGS: Final = 4
"""Outputs that are listed at the same time; one namespace lists one."""
_OPENING_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A stored file; ``sha256`` is None when another process wrote it."""

    size: int
    sha256: bytes | None
    etag: str | None


@dataclass(slots=True)
class AttemptOutput:
    """One attempt's output as it is stored. Changed only by KnownOutputs."""

    files: dict[str, KnownFile] = field(default_factory=dict)
    """By encoded path."""
    directories: set[int] = field(default_factory=set)
    """Hashes of all encoded directories: each is one in a directory store, also when its files are deleted again."""
    total: int = 0
    bytes: int = _OUTPUT_BYTES
    """Memory that the output takes, roughly."""
    checked_at: float = 0.0
    asked_at: float = 0.0

    def put(self, key: str, known: KnownFile) -> None:
        """Note a file."""
        self.forget(key)
        self.files[key] = known
        directories = directories_of(key) - self.directories
        self.directories |= directories
        self.total += known.size
        self.bytes += _ENTRY_BYTES + len(key) + _DIRECTORY_BYTES * len(directories)

    def forget(self, key: str) -> None:
        """Note that a file was deleted."""
        known = self.files.pop(key, None)
        if known is not None:
            self.total -= known.size
            self.bytes -= _ENTRY_BYTES + len(key)


@dataclass(slots=True)
class Activity:
    """What runs for one attempt in this process. Changed only by Uploads and Commits."""

    in_flight: set[str] = field(default_factory=set)
    """Encoded paths of running uploads."""
    reserved: int = 0
    """Bytes that they have announced."""
    committing: bool = False


class KnownOutputs:
    """The outputs of the executions that were heard of last; bounded in memory."""

    def __init__(self, store: ResultStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._outputs: OrderedDict[AttemptKey, AttemptOutput] = OrderedDict()
        self._bytes = 0
        self._activities: dict[AttemptKey, Activity] = {}
        self._opening: SingleFlight[AttemptKey, AttemptOutput] = SingleFlight()
        self._openings = FairTurns(_OPENINGS, per_key=1)

    async def output(self, identity: CollectorIdentity) -> AttemptOutput:
        """Return what is known of the attempt's output.

        Raises Problem 409 when its output is committed (AlreadyCommitted) or a later attempt's is
        (Superseded), StoreError.
        """
        key = _key_of(identity)
        output = self._outputs.get(key)
        if output is None:
            output = await self._opening.ask(key, lambda: self._open(identity))
        elif self._clock() - output.checked_at > _CHECK_SECONDS:
            await self.check_open(identity)
        output.asked_at = self._clock()
        if key in self._outputs:
            self._outputs.move_to_end(key)
        self._shrink(key)
        return output

    async def check_open(self, identity: CollectorIdentity) -> None:
        """Raise Problem 409 when the output is committed, by whichever replica; asks the store now and then."""
        output = self._outputs.get(_key_of(identity))
        if output is not None and self._clock() - output.checked_at <= _CHECK_SECONDS:
            return
        now = self._clock()
        committed = await self._store.commits.attempt_of(identity.reference)
        if committed is not None and committed >= identity.attempt:
            self.close(identity)
            if committed > identity.attempt:
                raise Problem(HTTPStatus.CONFLICT, "Superseded", "A later attempt's output is committed.")
            raise Problem(HTTPStatus.CONFLICT, "AlreadyCommitted", "This output is committed.")
        if output is not None:
            output.checked_at = now

    def activity(self, identity: CollectorIdentity) -> Activity:
        """Return what runs for the attempt; ``release`` it afterwards."""
        return self._activities.setdefault(_key_of(identity), Activity())

    def release(self, identity: CollectorIdentity) -> None:
        """Forget the attempt's activity when nothing runs any more."""
        key = _key_of(identity)
        activity = self._activities.get(key)
        if activity is not None and not activity.in_flight and not activity.committing:
            del self._activities[key]

    def record(self, identity: CollectorIdentity, written: WrittenOutput) -> None:
        """Note what was written, unless the output was dropped meanwhile: the store knows it."""
        output = self._outputs.get(_key_of(identity))
        if output is not None:
            file = written.file
            known = KnownFile(file.size, bytes.fromhex(file.sha256), written.etag)
            before = output.bytes
            output.put(encode_output_path(file.path), known)
            self._bytes += output.bytes - before

    def forget(self, identity: CollectorIdentity, path: str) -> None:
        """Note that a file was deleted."""
        output = self._outputs.get(_key_of(identity))
        if output is not None:
            before = output.bytes
            output.forget(encode_output_path(path))
            self._bytes += output.bytes - before

    def close(self, identity: CollectorIdentity) -> None:
        """Forget what is known: the output is committed, or the execution has ended."""
        self._drop(_key_of(identity))

    @property
    def bytes(self) -> int:
        """Memory that all outputs take, roughly."""
        return self._bytes

    async def _open(self, identity: CollectorIdentity) -> AttemptOutput:
        try:
            async with self._openings.turn(identity.reference.namespace, wait=_OPENING_SECONDS):
                output = AttemptOutput(checked_at=self._clock(), asked_at=self._clock())
                await self.check_open(identity)
                async for batch in self._store.outputs.of(identity.reference, identity.attempt).batches():
                    for key, item in batch:
                        output.put(key, KnownFile(item.size, None, item.etag))
        except NoTurnError:
            raise unavailable("TooManyUploads", "Too many outputs are being listed.") from None
        self._outputs[_key_of(identity)] = output
        self._bytes += output.bytes
        return output

    def _drop(self, key: AttemptKey) -> None:
        output = self._outputs.pop(key, None)
        if output is not None:
            self._bytes -= output.bytes

    def _shrink(self, keep: AttemptKey) -> None:
        """Drop outputs that nobody asks for, and while they are too many those of who has most."""
        now = self._clock()
        for key, output in list(self._outputs.items()):
            if now - output.asked_at <= _IDLE_SECONDS:
                break
            self._drop(key)
        while len(self._outputs) > 1 and self._bytes > KNOWN_BYTES:
            held: Counter[str] = Counter()
            for key, output in self._outputs.items():
                held[key[0]] += output.bytes
            largest = [key for key in self._outputs if key != keep and key[0] == held.most_common(1)[0][0]]
            self._drop(next(iter(largest or (key for key in self._outputs if key != keep))))


def directories_of(key: str) -> set[int]:
    """Return a hash for each directory above an encoded path."""
    return set(_hashes(key))


def _hashes(key: str) -> Iterable[int]:
    at = key.find("/")
    while at >= 0:
        yield hash(key[:at])
        at = key.find("/", at + 1)


def _key_of(identity: CollectorIdentity) -> AttemptKey:
    return identity.reference.namespace, identity.reference.uid, identity.attempt
