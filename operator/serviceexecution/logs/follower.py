"""Follows one container's log from its start into the store, to its true end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.logs.chunks import ChunkLog
from serviceexecution.logs.lines import LineSplitter, is_not_later, only_stamped
from serviceexecution.logs.metrics import BYTES, COMMITTED, GAPS, RESUMES, STREAMS
from serviceexecution.logs.pod_state import ContainerState
from serviceexecution.logs.resumes import Resumes
from serviceexecution.logs.rotation import (
    BEGINNING_BYTES,
    NodeClock,
    across_rotation,
    begins_again,
    ends_whole,
    jumps,
)
from serviceexecution.logs.silence import PatientReader
from serviceexecution.logs.slots import StreamSlots
from serviceexecution.logs.stream_read import StreamEnd, StreamRead
from serviceexecution.logs.target import (
    FollowedContainer,
    LogEnd,
    ask_state,
    compare_end,
    newest_beside,
    newest_line,
)
from serviceexecution.logs.timing import (
    BURST_BYTES,
    CATCH_UP_BYTES,
    PLAIN_READS,
    QUIET_PASSES,
    UNREADABLE_TRIES,
    FollowerTiming,
)
from serviceexecution.store.records import LogRecord

logger = structlog.stdlib.get_logger()


class LogFollower:
    """Brings one log into the store. One task runs ``run``; others may only call ``main_ended``."""

    def __init__(
        self,
        client: KubernetesClient,
        log: ChunkLog,
        target: FollowedContainer,
        *,
        slots: StreamSlots,
        timing: FollowerTiming,
    ) -> None:
        self._client = client
        self._log = log
        self._target = target
        self._logger = logger.bind(namespace=target.namespace, pod=target.pod_name)
        self._slots = slots
        self._timing = timing
        self._ended = asyncio.Event()
        self._clock = NodeClock()
        self._reader = PatientReader(client, log, target, timing=timing, clock=self._clock, ended=self._ended)
        self._plain_reads = 0
        self._catching_up = False
        """Whether the next read only takes what is there: it then comes from one file, and no gap can be in it."""
        self._resumes = Resumes(client, target, log)
        self._last: StreamRead | None = None
        self._seamless = False
        self._torn = b""

    def main_ended(self) -> None:
        """Say that the container has terminated: the log has an end now."""
        self._ended.set()

    async def run(self) -> LogRecord:
        """Follow to the end and commit; returns at once what a predecessor has committed."""
        if await self._log.is_begun():
            record = await self._log.committed(self._target.pod_uid)
            if record is not None:
                return record
            async with self._slots.loads.turn(self._target.namespace):
                await self._log.load()
        if self._log.last_line:
            RESUMES.labels("restart").inc()
            self._catching_up = True
        complete = await self._follow_to_the_end()
        record = await self._log.commit(pod_uid=self._target.pod_uid, complete=complete)
        COMMITTED.labels(str(record.complete).lower()).inc()
        return record

    async def _follow_to_the_end(self) -> bool:
        """Return whether the log is complete; False when the pod or its log was gone before the end."""
        backoff, refusals, quiet = self._timing.first_backoff, 0, 0
        while True:
            seen = await self._read_once()
            refusals = refusals + 1 if seen.refused and not seen.new_lines else 0
            waited = 0.0
            if seen.end is StreamEnd.CLEAN and not self._ended.is_set():
                waited = self._timing.first_backoff  # Mostly main has ended, and a watch says so in a moment
                await self._pause(waited)
            known_ended = self._ended.is_set() and seen.end in {StreamEnd.CLEAN, StreamEnd.POLLED}
            state = (
                ContainerState.ENDED
                if known_ended
                else await ask_state(self._client, self._target, self._timing)
            )
            if state is ContainerState.ENDED:
                self._ended.set()
                end = await self._compare_end(seen)
                quiet = quiet + 1 if end is LogEnd.UNSURE and not seen.new_lines else 0
                if quiet >= QUIET_PASSES and await self._resumes.read_from_beginning():
                    quiet = 0
                    continue
                if end is LogEnd.KNOWN or quiet >= QUIET_PASSES:
                    await self._take_last(seen)
                    if (place := self._resumes.left_out) is not None:
                        self._log.note_gap(place.before, after=place.after, set_back=True)
                        GAPS.inc()
                        self._logger.warning("log has lines that were left out when it was read on")
                    elif end is not LogEnd.KNOWN and not self._seamless:
                        self._note_gap(b"")  # The last file may be empty, and the one before was not read
                    return True
            if state is ContainerState.GONE:
                await self._take_last(seen)
                return False
            if refusals >= UNREADABLE_TRIES and state is not ContainerState.RUNNING:
                return False
            RESUMES.labels(seen.end.value).inc()
            backoff = (
                self._timing.first_backoff if seen.new_lines else min(backoff * 2, self._timing.last_backoff)
            )
            if state is not ContainerState.ENDED and seen.end in {StreamEnd.POLLED, StreamEnd.ODD}:
                if not seen.catches_up:
                    await self._pause(self._timing.poll)
            elif seen.end is not StreamEnd.SILENT and not (seen.new_lines and state is ContainerState.ENDED):
                await self._pause(max(0.0, backoff - waited))

    async def _read_once(self) -> StreamRead:
        """Read the log on from what is known until the stream ends.

        With a free slot the stream stays open as long as the container runs, else only what is there is read.
        The same holds after words of the kubelet's, which may fail at following but not at reading.
        """
        await self._reader.flush()
        since = self._resumes.since(self._last)
        seen = StreamRead(LineSplitter(room=self._log.has_room), await self._log.new_lines(since, self._torn))
        self._seamless = ends_whole(
            self._log.last_line,
            last=self._last,
            clock=self._clock,
            before=self._seamless,
            large=self._log.received_bytes >= BURST_BYTES,
        )
        self._plain_reads -= self._plain_reads > 0
        may_follow = not self._plain_reads and not self._ended.is_set() and not self._catching_up
        with self._slots.taken(wanted=may_follow) as follow:
            try:
                async with self._client.log_lines(
                    self._target.namespace,
                    self._target.pod_name,
                    container=self._target.container,
                    follow=follow,
                    since_time=since,
                ) as chunks:
                    seen.opened, seen.follows = True, follow
                    if self._last is not None and self._last.left_at_new_file:
                        seen.at_end_of = self._log.last_line
                    seen.end = StreamEnd.CLEAN if follow or self._ended.is_set() else StreamEnd.POLLED
                    await self._receive(chunks, seen, resumed=since is not None)
            except KubernetesError as error:
                seen.end = StreamEnd.ERROR
                seen.refused = error.status in {400, 404}
                self._logger.info("log not read", error=str(error))
        seen.ended_at = self._timing.clock()
        seen.catches_up = seen.end is StreamEnd.POLLED and (
            self._catching_up or seen.new_bytes >= CATCH_UP_BYTES
        )
        if seen.opened:
            self._last, self._catching_up = seen, False
        self._log.truncated |= seen.splitter.cut
        await self._reader.flush()
        return seen

    async def _receive(self, chunks: AsyncIterator[bytes], seen: StreamRead, *, resumed: bool) -> None:
        STREAMS.inc()
        try:
            async with contextlib.aclosing(self._reader.until_silent(chunks, seen)) as arriving:
                async for chunk in arriving:
                    block = seen.splitter.feed(chunk)
                    if not block:
                        continue
                    block, foreign = only_stamped(block)
                    if foreign and not resumed:
                        self._note_odd(seen, foreign)
                    resumed = False  # A resumed log can begin inside a long line, which then has no time
                    await self._accept(await self._new_part(block, seen), seen)
                    if self._log.wants_flush:
                        await self._reader.flush()
        finally:
            STREAMS.dec()
        await self._accept(seen.new.held_back(), seen)
        if rest := seen.splitter.take_rest():
            block, foreign = only_stamped(rest + b"\n")
            if foreign:
                self._note_odd(seen, foreign)
            seen.unfinished = block[:-1]
            seen.unfinished_is_new = bool(seen.new.without_known(block) + seen.new.held_back())

    async def _new_part(self, block: bytes, seen: StreamRead) -> bytes:
        """Return what is new of the next block of a stream.

        A kubelet that has two new files to go on in opens the newest one twice, and gives its lines twice.
        """
        new = seen.new.without_known(block)
        if not seen.follows or (start := begins_again(new, seen.jumped_to)) is None:
            return new
        await self._accept(new[:start], seen)
        await self._reader.flush()
        seen.new = await self._log.known_from(new[start:])
        return seen.new.without_known(new[start:])

    async def _accept(self, block: bytes, seen: StreamRead) -> None:
        if not block:
            return
        if seen.new.disjoint and not seen.new_lines:
            joined = across_rotation(
                block,
                self._log.last_line,
                before=self._last,
                clock=self._clock,
                ended=self._ended.is_set(),
            )
            self._torn = joined.torn or self._torn
            if joined.gap:
                self._note_gap(joined.block)
            self._take(joined.block, seen)
        elif not seen.new_lines and self._resumes.steps_back(block):
            self._note_gap(block, set_back=True)
            self._take(block, seen)
        elif (
            seen.follows and self._log.received_bytes + len(block) >= BURST_BYTES and not self._log.truncated
        ):
            await self._take_across_jumps(block, seen)
        else:
            self._take(block, seen)

    async def _take_across_jumps(self, block: bytes, seen: StreamRead) -> None:
        """Take lines of a stream that may have gone on in another file than the next one."""
        taken = 0
        for start in list(jumps(block, self._log.last_line)):
            self._take(block[taken:start], seen)
            taken = start
            line = block[start : block.index(b"\n", start)]
            seen.jumped_to = line[:BEGINNING_BYTES] + b"\n"[len(line) >= BEGINNING_BYTES :]
            if seen.at_end_of == self._log.last_line or is_not_later(line, seen.same_file_until):
                continue
            seen.same_file_until = await newest_beside(self._client, self._target, self._log.last_line)
            if not seen.same_file_until:
                self._note_gap(line)
        self._take(block[taken:], seen)

    def _note_gap(self, block: bytes, *, set_back: bool = False) -> None:
        self._log.note_gap(block[: block.find(b"\n") + 1], set_back=set_back)
        GAPS.inc()
        self._logger.warning(
            "clock set back before log was read" if set_back else "log rotated away before it was read"
        )

    def _note_odd(self, seen: StreamRead, foreign: list[bytes]) -> None:
        seen.end, seen.refused = StreamEnd.ODD, True
        say = self._logger.debug if self._plain_reads else self._logger.warning  # Not over and over again.
        say("kubelet wrote words of its own into a log", words=foreign[0][:300].decode(errors="replace"))
        self._plain_reads = PLAIN_READS

    def _take(self, block: bytes, seen: StreamRead) -> None:
        if not block:
            return
        seen.new_lines += block.count(b"\n")
        seen.new_bytes += len(block)
        BYTES.inc(len(block))
        self._log.append(block)
        self._clock.heard(self._log.last_line, self._timing.clock())
        self._reader.has_taken()

    async def _take_last(self, seen: StreamRead) -> None:
        """Take a last line without a line end; not before the end, since half of it may have come."""
        if seen.unfinished_is_new:
            await self._accept(seen.unfinished + b"\n", seen)

    async def _compare_end(self, seen: StreamRead) -> LogEnd:
        """Ask the kubelet for the log's last line: whether we have it.

        A clean end of the stream proves nothing: the API server ends it cleanly too when the kubelet dies, and
        a kubelet that followed a file across a rotation can miss the next file.
        """
        if seen.end not in {StreamEnd.CLEAN, StreamEnd.POLLED}:
            return LogEnd.MORE
        known = seen.unfinished or self._log.last_line
        try:
            newest = await newest_line(self._client, self._target)
            end = LogEnd.KNOWN if newest and newest == self._torn else compare_end(newest, known)
            if end is LogEnd.KNOWN and known and not await self._resumes.compare(known, self._torn):
                return LogEnd.UNSURE
        except KubernetesError:
            return LogEnd.MORE
        return end

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer when main ends meanwhile."""
        if self._ended.is_set():
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
