"""Follows one container's log from its start into the store, to its true end."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import structlog

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.logs.chunks import ChunkLog
from serviceexecution.logs.lines import LineSplitter, only_stamped
from serviceexecution.logs.metrics import BYTES, COMMITTED, GAPS, RESUMES, STREAMS
from serviceexecution.logs.pod_state import ContainerState
from serviceexecution.logs.slots import StreamSlots
from serviceexecution.logs.stream_read import StreamEnd, StreamRead, across_rotation, is_seamless
from serviceexecution.logs.target import FollowedContainer, LogEnd, ask_state, compare_end, newest_line
from serviceexecution.logs.timing import (
    BURST_BYTES,
    PLAIN_READS,
    QUIET_PASSES,
    STUCK_PROBES,
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
        self._flush_at: float | None = None
        self._plain_reads = 0
        self._last: StreamRead | None = None
        self._seamless = False
        self._torn = b""
        self._gap = False

    def main_ended(self) -> None:
        """Say that the container has terminated: the log has an end now."""
        self._ended.set()

    async def run(self) -> LogRecord:
        """Follow to the end and commit; returns at once what a predecessor has committed."""
        record = await self._log.committed(self._target.pod_uid)
        if record is not None:
            return record
        async with self._slots.loads.turn(self._target.namespace):
            await self._log.load()
        if self._log.last_line:
            RESUMES.labels("restart").inc()
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
                if end is LogEnd.KNOWN or quiet >= QUIET_PASSES:
                    self._take_last(seen)
                    if end is not LogEnd.KNOWN and not self._seamless:
                        self._note_gap()  # The last file may be empty, and the one before was not read
                    return not self._gap
            if state is ContainerState.GONE:
                self._take_last(seen)
                return False
            if refusals >= UNREADABLE_TRIES and state is not ContainerState.RUNNING:
                return False
            RESUMES.labels(seen.end.value).inc()
            backoff = (
                self._timing.first_backoff if seen.new_lines else min(backoff * 2, self._timing.last_backoff)
            )
            if state is not ContainerState.ENDED and seen.end in {StreamEnd.POLLED, StreamEnd.ODD}:
                await self._pause(self._timing.poll)
            elif not (seen.new_lines and (seen.end is StreamEnd.SILENT or state is ContainerState.ENDED)):
                await self._pause(backoff)

    async def _read_once(self) -> StreamRead:
        """Read the log on from what is known until the stream ends.

        With a free slot the stream stays open as long as the container runs, else only what is there is read.
        The same holds after words of the kubelet's, which may fail at following but not at reading.
        """
        await self._flush()
        since = self._log.resume_at
        seen = StreamRead(LineSplitter(room=self._log.has_room), await self._log.new_lines(self._torn))
        self._seamless = is_seamless(self._last, self._log.last_line, before=self._seamless)
        self._plain_reads -= self._plain_reads > 0
        may_follow = not self._plain_reads and not self._ended.is_set()
        with self._slots.taken(wanted=may_follow) as follow:
            try:
                async with self._client.log_lines(
                    self._target.namespace,
                    self._target.pod_name,
                    container=self._target.container,
                    follow=follow,
                    since_time=since,
                ) as chunks:
                    seen.opened = True
                    seen.end = StreamEnd.CLEAN if follow or self._ended.is_set() else StreamEnd.POLLED
                    await self._receive(chunks, seen, resumed=since is not None)
            except KubernetesError as error:
                seen.end = StreamEnd.ERROR
                seen.refused = error.status in {400, 404}
                self._logger.info("log not read", error=str(error))
        if seen.opened:
            self._last = seen
        self._log.truncated |= seen.splitter.cut
        await self._flush()
        return seen

    async def _receive(self, chunks: AsyncIterator[bytes], seen: StreamRead, *, resumed: bool) -> None:
        STREAMS.inc()
        try:
            async with contextlib.aclosing(self._until_silent(chunks, seen)) as arriving:
                async for chunk in arriving:
                    block = seen.splitter.feed(chunk)
                    if not block:
                        continue
                    block, foreign = only_stamped(block)
                    if foreign and not resumed:
                        self._note_odd(seen, foreign)
                    resumed = False  # A resumed log can begin inside a long line, which then has no time
                    self._accept(seen.new.without_known(block), seen)
                    if self._log.wants_flush:
                        await self._flush()
        finally:
            STREAMS.dec()
        self._accept(seen.new.held_back(), seen)
        if rest := seen.splitter.take_rest():
            block, foreign = only_stamped(rest + b"\n")
            if foreign:
                self._note_odd(seen, foreign)
            seen.unfinished = block[:-1]
            seen.unfinished_is_new = bool(seen.new.without_known(block) + seen.new.held_back())

    def _accept(self, block: bytes, seen: StreamRead) -> None:
        if block and seen.new.disjoint and not seen.new_lines:
            joined = across_rotation(block, self._log.last_line, before=self._last, seamless=self._seamless)
            self._torn = joined.torn or self._torn
            if joined.gap:
                self._note_gap()
            block = joined.block
        self._take(block, seen)

    def _note_gap(self) -> None:
        self._gap = True
        GAPS.inc()
        self._logger.warning("log rotated away before it was read")

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
        if self._flush_at is None:
            self._flush_at = self._now() + self._timing.flush

    def _take_last(self, seen: StreamRead) -> None:
        """Take a last line without a line end; not before the end, since half of it may have come."""
        if seen.unfinished_is_new:
            self._accept(seen.unfinished + b"\n", seen)

    async def _until_silent(
        self, chunks: AsyncIterator[bytes], seen: StreamRead
    ) -> AsyncGenerator[bytes, None]:
        """Give the chunks, store what waits when its time has come, and leave a stream that seems dead."""
        pending: asyncio.Task[bytes] | None = None
        ended = asyncio.create_task(self._ended.wait())
        heard_at = self._now()
        try:
            while True:
                if pending is None:
                    pending = asyncio.create_task(_next(chunks))
                times = [heard_at + allowed] if (allowed := self._silence(seen)) is not None else []
                times += [self._flush_at] if self._flush_at is not None else []
                await asyncio.wait(
                    {pending} if ended.done() else {pending, ended},
                    timeout=max(min(times) - self._now(), 0) if times else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                now = self._now()
                if self._flush_at is not None and now >= self._flush_at:
                    await self._flush()
                if pending.done():
                    chunk = pending.result()
                    if not chunk:
                        seen.idle = now - heard_at
                        return
                    pending, heard_at, seen.probes = None, now, 0
                    yield chunk
                elif (allowed := self._silence(seen)) is not None and now >= heard_at + allowed:
                    if await self._is_stuck(seen) and not pending.done():
                        seen.end = StreamEnd.DEAD if self._ended.is_set() else StreamEnd.SILENT
                        return
                    heard_at = self._now()
        finally:
            for task in (pending, ended):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, KubernetesError):
                        await task

    def _silence(self, seen: StreamRead) -> float | None:
        """Return the longest silence in seconds that is no sign of a dead stream; None: the client knows."""
        if self._ended.is_set():
            return self._timing.ended_silence
        return self._timing.burst_silence if seen.new_bytes >= BURST_BYTES else None

    async def _is_stuck(self, seen: StreamRead) -> bool:
        """Tell whether a silent stream can be left without losing what it would still have given.

        It can when nothing is unread: a new stream then begins in the newest file. When there are newer lines
        the stream may only be slow: it has stuck at the end of an old file when it gives nothing for three looks.
        """
        if self._ended.is_set():
            return True
        seen.probes += 1
        try:
            newest = await newest_line(self._client, self._target)
        except KubernetesError:
            return False
        return newest == self._log.last_line or seen.probes >= STUCK_PROBES

    async def _compare_end(self, seen: StreamRead) -> LogEnd:
        """Ask the kubelet for the log's last line: whether we have it.

        A clean end of the stream proves nothing: the API server ends it cleanly too when the kubelet dies, and
        a kubelet that followed a file across a rotation can miss the next file.
        """
        if seen.end not in {StreamEnd.CLEAN, StreamEnd.POLLED}:
            return LogEnd.MORE
        try:
            newest = await newest_line(self._client, self._target)
        except KubernetesError:
            return LogEnd.MORE
        known = seen.unfinished or self._log.last_line
        return LogEnd.KNOWN if newest and newest == self._torn else compare_end(newest, known)

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer when main ends meanwhile."""
        if self._ended.is_set():
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    async def _flush(self) -> None:
        await self._log.flush()
        self._flush_at = None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the next chunk, or b"" at the end."""
    return await anext(chunks, b"")
