"""Which logs this process follows."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.logs.chunks import ChunkLog
from serviceexecution.logs.follower import LogFollower
from serviceexecution.logs.memory import LogMemory
from serviceexecution.logs.metrics import UNFINISHED
from serviceexecution.logs.slots import StreamSlots
from serviceexecution.logs.target import FollowedContainer
from serviceexecution.logs.timing import FollowerTiming
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.records import LogRecord
from serviceexecution.store.store import ResultStore

logger = structlog.stdlib.get_logger()

REMEMBERED_COMMITS: Final = 10_000
CLOSE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Followed:
    target: FollowedContainer
    attempt: int
    log: ChunkLog
    follower: LogFollower
    task: asyncio.Task[LogRecord]


class LogFollowers:
    """State owner: the logs that this process follows, at most one per execution."""

    def __init__(
        self,
        client: KubernetesClient,
        store: ResultStore,
        *,
        limit_bytes: int,
        on_complete: Callable[[ExecutionReference], None],
        max_streams: int = 200,
        flush_bytes: int = 1024 * 1024,
        flush_seconds: float = 2.0,
        timing: FollowerTiming | None = None,
    ) -> None:
        """``limit_bytes`` is the most text kept of one log, times not counted.

        ``on_complete`` is called when a log's commit record is in the store. Beyond ``max_streams`` open
        streams, further logs are read again every five seconds until a stream ends. ``timing`` is for
        tests.
        """
        self._client = client
        self._store = store
        self._limit_bytes = limit_bytes
        self._on_complete = on_complete
        self._flush_bytes = flush_bytes
        self._timing = timing or FollowerTiming(flush=flush_seconds)
        self._slots = StreamSlots(max_streams)
        self._memory = LogMemory()
        self._followed: dict[ExecutionReference, _Followed] = {}
        self._committed: OrderedDict[tuple[ExecutionReference, int, str], LogRecord] = OrderedDict()

    def ensure(
        self,
        reference: ExecutionReference,
        target: FollowedContainer,
        *,
        attempt: int,
        main_terminated: bool,
    ) -> None:
        """See to it that the container's log gets into the store; cheap to call again and again.

        For a container that has started, or whose pod has ended.
        """
        if (reference, attempt, target.pod_uid) in self._committed:
            return
        found = self._followed.get(reference)
        if found is not None and (found.target, found.attempt) != (target, attempt):
            found.task.cancel()
            found = None
        if found is None:
            found = self._start(reference, target, attempt)
        if main_terminated:
            found.follower.main_ended()

    def is_under_way(self, reference: ExecutionReference, attempt: int, pod_uid: str) -> bool:
        """Tell whether this process follows that log, so that its record is not in the store yet."""
        found = self._followed.get(reference)
        return found is not None and (found.attempt, found.target.pod_uid) == (attempt, pod_uid)

    def record(self, reference: ExecutionReference, attempt: int, pod_uid: str) -> LogRecord | None:
        """Return the commit record that this process has written of that log, or found; None when it has not."""
        return self._committed.get((reference, attempt, pod_uid))

    def forget(self, reference: ExecutionReference) -> None:
        """Stop following the execution's log, e.g. when the execution is deleted; what is stored stays."""
        found = self._followed.pop(reference, None)
        if found is not None:
            found.task.cancel()
        for key in [key for key in self._committed if key[0] == reference]:
            del self._committed[key]

    async def close(self) -> None:
        """Stop following, and store within five seconds what was received; a successor resumes there."""
        followed = list(self._followed.values())
        for one in followed:
            one.task.cancel()
        await asyncio.gather(*(one.task for one in followed), return_exceptions=True)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(one.log.flush() for one in followed))
        except TimeoutError:
            logger.warning("last lines not stored in time", logs=len(followed))

    def _start(self, reference: ExecutionReference, target: FollowedContainer, attempt: int) -> _Followed:
        share = self._memory.share(reference.namespace)
        log = ChunkLog(
            self._store,
            reference,
            attempt=attempt,
            limit_bytes=self._limit_bytes,
            flush_bytes=self._flush_bytes,
            memory=share,
        )
        follower = LogFollower(self._client, log, target, slots=self._slots, timing=self._timing)
        task = asyncio.create_task(follower.run(), name=f"log {reference.namespace}/{reference.name}")
        task.add_done_callback(lambda _: share.close())
        followed = _Followed(target, attempt, log, follower, task)
        self._followed[reference] = followed
        UNFINISHED.inc()
        task.add_done_callback(lambda _: self._finished(reference, followed))
        return followed

    def _finished(self, reference: ExecutionReference, followed: _Followed) -> None:
        UNFINISHED.dec()
        if self._followed.get(reference) is followed:
            del self._followed[reference]
        if followed.task.cancelled():
            return
        error = followed.task.exception()
        if error is not None:
            # A fault of ours: the next ``ensure`` begins again from what is stored.
            namespace, name = reference.namespace, reference.name
            logger.error("following a log failed", namespace=namespace, name=name, exc_info=error)
            return
        self._committed[reference, followed.attempt, followed.target.pod_uid] = followed.task.result()
        while len(self._committed) > REMEMBERED_COMMITS:
            self._committed.popitem(last=False)
        self._on_complete(reference)
