"""A log's stream while nothing comes: stores what waits, and tells a quiet program from a stream that stands still."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.logs.chunks import ChunkLog
from serviceexecution.logs.rotation import ROTATION_SECONDS, NodeClock
from serviceexecution.logs.stream_read import StreamEnd, StreamRead
from serviceexecution.logs.target import FollowedContainer, LogEnd, compare_end, newest_line
from serviceexecution.logs.timing import BURST_BYTES, LOOK_AGAIN_SECONDS, STUCK_PROBES, FollowerTiming


class PatientReader:
    """Reads one log's streams one after the other. State owner of when the log is to be stored next."""

    def __init__(
        self,
        client: KubernetesClient,
        log: ChunkLog,
        target: FollowedContainer,
        *,
        timing: FollowerTiming,
        clock: NodeClock,
        ended: asyncio.Event,
    ) -> None:
        """``ended`` is set when the container has terminated."""
        self._clock = clock
        self._client = client
        self._log = log
        self._target = target
        self._timing = timing
        self._ended = ended
        self._flush_at: float | None = None
        self._look_after = 0.0

    def has_taken(self) -> None:
        """Say that the log has lines that are to be stored in time."""
        if self._flush_at is None:
            self._flush_at = _now() + self._timing.flush

    async def flush(self) -> None:
        """Store what waits."""
        await self._log.flush()
        self._flush_at = None

    async def until_silent(
        self, chunks: AsyncIterator[bytes], seen: StreamRead
    ) -> AsyncGenerator[bytes, None]:
        """Give the chunks, store what waits when its time has come, and leave a stream that seems dead."""
        pending: asyncio.Task[bytes] | None = None
        ended = asyncio.create_task(self._ended.wait())
        heard_at = looked_at = _now()
        self._look_after = 0.0
        try:
            while True:
                if pending is None:
                    pending = asyncio.create_task(_next(chunks))
                times = [looked_at + allowed] if (allowed := self._silence()) is not None else []
                times += [self._flush_at] if self._flush_at is not None else []
                await asyncio.wait(
                    {pending} if ended.done() else {pending, ended},
                    timeout=max(min(times) - _now(), 0) if times else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                now = _now()
                if self._flush_at is not None and now >= self._flush_at:
                    await self.flush()
                if pending.done():
                    chunk = pending.result()
                    if not chunk:
                        seen.idle = now - heard_at
                        return
                    pending, seen.probes, self._look_after = None, 0, 0.0
                    yield chunk
                    heard_at = looked_at = _now()
                elif (allowed := self._silence()) is not None and now >= looked_at + allowed:
                    if await self._may_be_left(seen) and not pending.done():
                        seen.end = StreamEnd.DEAD if self._ended.is_set() else StreamEnd.SILENT
                        seen.idle = _now() - heard_at
                        return
                    looked_at = _now()
        finally:
            for task in (pending, ended):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, KubernetesError):
                        await task

    def _silence(self) -> float | None:
        """Return the longest silence in seconds before a look at the kubelet's last line; None: no look is needed."""
        if self._ended.is_set():
            return self._timing.ended_silence
        if self._log.received_bytes < BURST_BYTES:
            return None  # No kubelet rotates so small a file; of a dead connection the client knows
        return max(self._timing.burst_silence, self._look_after)

    async def _may_be_left(self, seen: StreamRead) -> bool:
        """Tell whether a silent stream can be left without losing what it would still have given.

        It can after a burst, when nothing is unread: a new stream then begins in the newest file. When there are newer
        lines the stream may only be slow: it has stuck at the end of an old file when it gives nothing for three looks.
        """
        if self._ended.is_set():
            return True
        try:
            newest = await newest_line(self._client, self._target)
        except KubernetesError:
            return False
        if not newest and seen.at_end_of == self._log.last_line:
            return False  # The kubelet watches, and goes on in the new and empty file
        if not newest and self._clock.age(self._log.last_line, self._timing.clock()) < ROTATION_SECONDS:
            seen.left_at_new_file = True  # It is empty, and only the one before it can have our last line
            return True
        known = self._log.last_line
        # Only the end of a very long line comes, with another time.
        if newest == known or (len(newest) < len(known) and compare_end(newest, known) is LogEnd.KNOWN):
            seen.proven_at, seen.at_end_of = self._timing.clock(), self._log.last_line
            seen.probes = 0
            self._look_after = min(
                max(2 * self._look_after, 2 * self._timing.burst_silence), LOOK_AGAIN_SECONDS
            )
            return seen.new_bytes >= BURST_BYTES
        self._look_after = 0.0
        seen.probes += 1
        return seen.probes >= STUCK_PROBES


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the next chunk, or b"" at the end."""
    return await anext(chunks, b"")


def _now() -> float:
    return asyncio.get_running_loop().time()
