"""The log of one attempt, as it grows in the store."""

import asyncio
import contextlib
import hashlib
from array import array
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Final, TypeVar

import structlog

from serviceexecution.fairness.turns import NoTurnError
from serviceexecution.fairness.work import SMALL_BYTES, THREADS
from serviceexecution.logs.gaps import (
    Gap,
    gap_between,
    gap_line,
    gaps_in,
    is_gap_line,
    summed_up,
    without_gaps,
)
from serviceexecution.logs.lines import (
    RESUME_SLACK,
    KnownTail,
    NewerLines,
    NewLines,
    last_line,
    line_hashes,
    seconds_between,
    stamp_of,
    text_size,
)
from serviceexecution.logs.memory import LogMemory, MemoryShare
from serviceexecution.logs.metrics import STORE_ERRORS
from serviceexecution.logs.scanner import LogScanner
from serviceexecution.logs.timing import FIRST_TIME
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError
from serviceexecution.store.records import LogRecord, StdoutResult
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()

GROW_BELOW_BYTES: Final = 64 * 1024
"""A last chunk smaller than this is written again, longer: slow logs would make a chunk per flush."""
FIRST_RETRY_SECONDS: Final = 0.5
MAX_RETRY_SECONDS: Final = 30.0
STORED_PER_TEXT: Final = 2
"""Stored bytes of a log, times included, for each byte of its limit: a log of empty lines is nearly all times."""
_LONGEST_STAMP: Final = 64
"""More than a time, its blank and its line end take. A log with less room than this is full."""

_T = TypeVar("_T")


class ChunkLog:
    """State owner of what is stored of one log, and of what is not yet: at most one block and one small chunk.

    Chunks hold whole lines as they came. Everything that a successor needs after a kill is in the chunks.
    """

    def __init__(
        self,
        store: ResultStore,
        reference: ExecutionReference,
        *,
        attempt: int,
        limit_bytes: int,
        flush_bytes: int,
        memory: MemoryShare | None = None,
    ) -> None:
        """``limit_bytes`` is the most text kept; with its times it takes at most twice that in the store."""
        self._store = store
        self._reference = reference
        self._attempt = attempt
        self._limit_bytes = limit_bytes
        self._stored_limit = limit_bytes * STORED_PER_TEXT + _LONGEST_STAMP
        self._flush_bytes = flush_bytes
        self._memory = memory or LogMemory().share(reference.namespace)
        self._sequence = 1
        self._current = b""
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._scanner = LogScanner()
        self._lines = 0
        self._text_bytes = 0
        self._stored_bytes = 0
        self._gaps: list[Gap] = []
        self.received_bytes = 0
        """Of all lines that were received, stored or not, as far as this process knows."""
        self.truncated = False
        self.last_line = b""
        """The newest line that was received, stored or not; b"" before the first."""
        self._went_back = False
        """Whether times of lines did: some that are far up may be younger than the newest one."""

    @property
    def pending_bytes(self) -> int:
        """What a kill would lose here, and a successor would read again."""
        return self._pending_size

    @property
    def wants_flush(self) -> bool:
        """Whether enough is waiting for a chunk of its own."""
        return self._pending_size >= self._memory.flush_bytes(self._flush_bytes)

    def has_room(self, begun: int) -> bool:
        """Whether ``begun`` bytes of the next line may be held in memory, beside the newest line."""
        return self._memory.hold(begun + len(self.last_line))

    @property
    def resume_at(self) -> datetime | None:
        """The second to resume the log at, or None for its start."""
        stamp = stamp_of(self.last_line)
        return None if stamp is None else stamp[0] - RESUME_SLACK

    async def is_begun(self) -> bool:
        """Tell whether anything is stored: when not, one question stands for two."""
        return await self._retried(lambda: self._store.logs.is_begun(self._reference, self._attempt))

    async def load(self) -> None:
        """Read what a predecessor has stored."""
        chunks = self._store.logs.of(self._reference, self._attempt)
        for sequence, _ in await self._retried(chunks.sizes):
            data = await self._read(sequence)
            self._sequence, self._current = sequence, data
            lines = without_gaps(data)
            self._note(data, lines, text_size(lines), stored=len(data))
            self._gaps += gaps_in(data)
            await asyncio.sleep(0)  # Scanning one chunk takes milliseconds: let others run
        if len(self._current) >= GROW_BELOW_BYTES:
            self._sequence, self._current = self._sequence + 1, b""

    def append(self, block: bytes) -> None:
        """Take the next whole lines; beyond the limit they are only searched for results."""
        if not block:
            return
        room = self._limit_bytes - self._text_bytes
        stored_room = self._stored_limit - self._stored_bytes
        kept, size = block, text_size(block)
        if size > room or len(block) > stored_room - _LONGEST_STAMP:
            kept = _cut(block, room, stored_room)
            self.truncated |= kept != block
            size = text_size(kept)
        if kept:
            self._pending.append(kept)
            self._pending_size += len(kept)
        self._note(block, kept, size, stored=len(kept))

    def note_gap(self, before: bytes, *, after: bytes = b"", set_back: bool = False) -> None:
        """Say that lines may be missing between ``after`` (b"": the newest line) and ``before`` (b"": the end).

        ``set_back``: because the node's clock was.
        """
        gap = gap_between(after or self.last_line, before)
        self._gaps.append(gap)
        line = gap_line(gap, set_back=set_back)
        self._scanner.feed(line)
        if not self.truncated:
            self._pending.append(line)
            self._pending_size += len(line)
            self._stored_bytes += len(line)

    async def flush(self) -> None:
        """Store what is waiting; repeated until the store takes it, which holds the log's stream meanwhile."""
        if not self._pending:
            return
        data = b"".join([self._current, *self._pending])
        sequence = self._sequence
        await self._retried(lambda: self._store.logs.of(self._reference, self._attempt).write(sequence, data))
        self._pending.clear()
        self._pending_size = 0
        if len(data) < GROW_BELOW_BYTES:
            self._current = data
        else:
            self._sequence, self._current = sequence + 1, b""

    async def new_lines(self, since: datetime | None, torn: bytes = b"") -> NewLines:
        """Return what leaves out the known lines when the log is resumed at ``since``. Flush before.

        ``torn`` see KnownTail.
        """
        if self.truncated:
            return NewerLines(self.last_line)
        if since is None:
            return KnownTail(line_hashes([]))
        return KnownTail(await self._hashes_since(since), torn)

    async def known_from(self, block: bytes) -> NewLines:
        """Return what leaves out the known lines of a stream that begins again with ``block``. Flush before."""
        stamp = stamp_of(block[: block.find(b"\n")])
        if self.truncated or stamp is None:
            return NewerLines(self.last_line)
        return KnownTail(await self._hashes_since(stamp[0]))

    async def all_hashes(self) -> "array[int]":
        """Return what tells all known lines from others. Flush before."""
        return await self._hashes_since(FIRST_TIME)

    async def _hashes_since(self, since: datetime) -> "array[int]":
        parts = [line_hashes(_lines_since(self._current, since))] if self._current else []
        sequence = self._sequence
        while (not parts or parts[-1] or self._went_back) and sequence > 1:
            sequence -= 1
            parts.append(line_hashes(_lines_since(await self._read(sequence), since)))
        known = line_hashes([])
        for part in reversed(parts):
            known.extend(part)
        return known

    async def committed(self, pod_uid: str) -> LogRecord | None:
        """Return the commit record when a predecessor has finished this attempt's log of that pod.

        A log of another pod is of a run that the API server has forgotten: it makes room.
        """
        record = await self._retried(lambda: self._store.logs.read_record(self._reference))
        if record is None or record.attempt != self._attempt:
            return None
        if record.pod_uid == pod_uid:
            return record
        logger.warning("the log of another pod makes room", pod=record.pod_uid)
        await self._retried(lambda: self._store.logs.discard(self._reference, self._attempt))
        return None

    async def commit(self, *, pod_uid: str, complete: bool) -> LogRecord:
        """Store what is left, the printed result if there is one, and at last the commit record."""
        await self.flush()
        result, problem = await self._outcome()
        printed = None
        if result is not None:
            await self._retried(lambda: self._store.logs.write_stdout_result(self._reference, result))
            printed = StdoutResult(size=len(result), sha256=hashlib.sha256(result).hexdigest())
        record = LogRecord(
            attempt=self._attempt,
            pod_uid=pod_uid,
            bytes=self._text_bytes,
            lines=self._lines,
            truncated=self.truncated,
            complete=complete and not self._gaps,
            gaps=summed_up(self._gaps),
            stdout_result=printed,
            stdout_problem=problem,
            committed_at=datetime.now(UTC),
        )
        await self._retried(lambda: self._store.logs.commit(self._reference, record))
        return record

    async def _outcome(self) -> tuple[bytes | None, str | None]:
        """Return the printed result, and why there is none; parsed beside the event loop when it is large."""
        if self._scanner.bytes_to_parse <= SMALL_BYTES:
            return self._scanner.outcome()
        while True:
            with contextlib.suppress(NoTurnError):
                return await THREADS.run(self._reference.namespace, self._scanner.outcome)
            await asyncio.sleep(FIRST_RETRY_SECONDS)

    async def _read(self, sequence: int) -> bytes:
        data = await self._retried(lambda: self._store.logs.of(self._reference, self._attempt).read(sequence))
        return data[: data.rfind(b"\n") + 1]  # Half a line can only come from a power cut

    def _note(self, block: bytes, kept: bytes, size: int, *, stored: int) -> None:
        self._scanner.feed(block)
        self._lines += kept.count(b"\n")
        self._text_bytes += size
        self._stored_bytes += stored
        self.received_bytes += len(block)
        newest = last_line(block)
        first = block[: block.find(b"\n")]
        passed = min(seconds_between(self.last_line, newest), seconds_between(first, newest))
        self._went_back |= passed < -RESUME_SLACK.total_seconds()
        self.last_line = (last_line(kept) if is_gap_line(newest) else newest) or self.last_line
        self._memory.hold(len(self.last_line))

    async def _retried(self, operation: Callable[[], Awaitable[_T]]) -> _T:
        delay = FIRST_RETRY_SECONDS
        while True:
            try:
                return await operation()
            except StoreError as error:
                STORE_ERRORS.inc()
                namespace, name = self._reference.namespace, self._reference.name
                logger.warning("log not stored yet", namespace=namespace, name=name, error=str(error))
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_RETRY_SECONDS)


def _cut(block: bytes, room: int, stored_room: int) -> bytes:
    """Return the first lines of a block whose texts fill ``room`` bytes, the last of them cut to fit exactly; with
    their times they take at most ``stored_room``.

    A successor, who sees only the chunks, then knows that the log is full.
    """
    kept: list[bytes] = []
    for line in block.split(b"\n")[:-1]:
        if room <= 0 or stored_room < _LONGEST_STAMP:
            break
        stamp, blank, text = line.partition(b" ")
        text = text[: min(room, stored_room - len(stamp) - len(blank)) - 1]
        room -= len(text) + 1
        kept.append(stamp + blank + text + b"\n")
        stored_room -= len(kept[-1])
    return b"".join(kept)


def _lines_since(part: bytes, since: datetime) -> Iterator[bytes]:
    for line in part.split(b"\n")[:-1]:
        stamp = stamp_of(line)
        if stamp is not None and stamp[0] >= since and not is_gap_line(line):
            yield line
