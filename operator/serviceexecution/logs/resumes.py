"""From where a log is read again, and whether its file has lines that were left out there.

The kubelet leaves out lines that are older than the time from which it is asked. Lines that were printed after the
node's clock had been set back are, and nothing that comes after them shows it.
"""

from datetime import datetime

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.logs.chunks import ChunkLog
from serviceexecution.logs.left_out import LeftOut, Place
from serviceexecution.logs.lines import LineSplitter, last_line, stamp_of
from serviceexecution.logs.stream_read import StreamRead
from serviceexecution.logs.target import FollowedContainer, newest_line
from serviceexecution.logs.timing import BURST_BYTES, FIRST_TIME, READ_AGAIN_BYTES

_AT_ONCE_SECONDS = 0.5
"""Standard output and error are stamped apart by less. A set back clock that hides lines goes back by more."""
_LOOKS = 3
"""A stream may be cut short and end as if it were whole: so often a file is looked at until one goes to its end."""


class Resumes:
    """State owner of how one log was read again."""

    def __init__(self, client: KubernetesClient, target: FollowedContainer, log: ChunkLog) -> None:
        self._client = client
        self._target = target
        self._log = log
        self._by_time = False
        """Whether the log was ever read on from a time: lines may have been left out then."""
        self._from_beginning = False
        self.left_out: Place | None = None
        """Where lines were, by the last look at the end."""

    def since(self, last: StreamRead | None) -> datetime | None:
        """Return from when on to read, None for the log's start. ``last`` is the last opening, None before the first.

        After a stream a small log is read from its beginning, so that the lines themselves tell which are new. Looks
        at a log without a stream are frequent, and a new controller takes up many logs at once: both go by time.
        """
        since = self._log.resume_at
        if since is None:
            return None
        small = self._log.received_bytes < BURST_BYTES and not self._log.truncated
        after_stream = last is not None and last.follows and small and not self._by_time
        if self._from_beginning or after_stream:
            return FIRST_TIME
        self._by_time = True
        return since

    async def read_from_beginning(self) -> bool:
        """Begin all further reading at the newest file's beginning; False when it is so already, or would not help.

        Where lines were left out before known ones, those known ones would be read twice.
        """
        if self._from_beginning or not self._fits:
            return False
        if self._by_time and not self._log.truncated:
            try:
                self.left_out = await self._whole_look()
            except KubernetesError:
                return False
        self._from_beginning = self.left_out is None
        return self._from_beginning

    async def compare(self, *ends: bytes) -> bool:
        """Look for lines that were left out, where that may be, in the newest file as a whole: see ``left_out``.

        False when its last line is none of ``ends``, as the file shows the last known one: it was not read to its end.
        Raises KubernetesError.
        """
        if not self._by_time or self._log.truncated or not self._fits:
            return True
        newest, place = await self._look()
        if newest not in ends:
            return False
        self.left_out = place
        return True

    async def _whole_look(self) -> Place | None:
        """Return where the newest file has lines that were left out, by a look that was not cut short."""
        for _ in range(_LOOKS):
            newest, place = await self._look()
            if newest == await newest_line(self._client, self._target):
                return place
        return None

    async def _look(self) -> tuple[bytes, Place | None]:
        """Return the newest file's last line, and where it has lines that were left out."""
        left_out = LeftOut(await self._log.all_hashes(), torn=self._log.received_bytes >= BURST_BYTES)
        splitter = LineSplitter(room=self._log.has_room)
        newest = b""
        async with self._client.log_lines(
            self._target.namespace,
            self._target.pod_name,
            container=self._target.container,
            follow=False,
            since_time=FIRST_TIME,
            tail_lines=None,
        ) as chunks:
            async for chunk in chunks:
                block = splitter.feed(chunk)
                left_out.read(block)
                newest = last_line(block) or newest
        rest = splitter.take_rest()
        left_out.read(rest + b"\n" if rest else b"")
        if splitter.cut:  # Without room for a long line nothing can be told
            return self._log.last_line, None
        return rest or newest, left_out.place

    def steps_back(self, block: bytes) -> bool:
        """Tell whether the first new lines of a log that is too large to be read again show a clock set back."""
        if not self._by_time or self._fits or self._log.truncated:
            return False
        known, new = stamp_of(self._log.last_line), stamp_of(block[: block.find(b"\n")])
        if known is None or new is None:
            return False
        fractions = (float(b"0" + stamp[1]) for stamp in (known, new))
        return (known[0] - new[0]).total_seconds() + next(fractions) - next(fractions) > _AT_ONCE_SECONDS

    @property
    def _fits(self) -> bool:
        return self._log.received_bytes <= READ_AGAIN_BYTES
