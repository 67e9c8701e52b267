"""A kubelet that rotates one container's log file, in time that passes only while all wait."""

import asyncio
import contextlib
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from serviceexecution.kube.errors import KubernetesError
from serviceexecution.logs.lines import stamp_of
from tests.unit.logs.fake_kubelet import pod_body

START = datetime(2026, 11, 23, 15, tzinfo=UTC)
MONITOR_SECONDS = 10.0
"""The kubelet's containerLogMonitorInterval."""
MAX_FILE_BYTES = 16 * 1024
"""Its containerLogMaxSize."""
LINE_BYTES = 256

_T = TypeVar("_T")


class _NoWaiting(selectors.SelectSelector):
    """Lets a loop's time jump to its next timer."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("everything waits, and nothing will happen")
        self.passed += max(timeout, 0)
        return super().select(0)


def in_jumping_time(main: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run ``main`` in a loop in which sleeping takes no time."""
    selector = _NoWaiting()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.passed  # type: ignore[method-assign]
    with contextlib.closing(loop):
        return loop.run_until_complete(main())


class RotatingKubelet:
    """Stands for KubernetesClient. ``node_ahead`` is by how many seconds the node's clock is ahead of ours."""

    def __init__(
        self, *, node_ahead: float = 0.0, stalls: Iterator[float], cuts: Iterator[tuple[float, str]]
    ) -> None:
        """``stalls`` are waits between pieces of a stream, ``cuts`` when and how each stream in turn is cut."""
        self._ahead = node_ahead
        self._stalls = stalls
        self._cuts = cuts
        self._file: list[bytes] = []
        self._watchers: list[asyncio.Queue[str]] = []
        self.printed: list[bytes] = []
        self.running = True
        self.rotations = 0

    def clock(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def print(self, count: int) -> None:
        """Print so many lines of 256 bytes."""
        for _ in range(count):
            time = self.clock() + timedelta(seconds=self._ahead)
            stamp = f"{time:%Y-%m-%dT%H:%M:%S.%f}{len(self.printed) % 1000:03d}Z"
            line = f"{stamp} {len(self.printed)} ".encode().ljust(LINE_BYTES, b"x")
            self.printed.append(line)
            self._file.append(line)
        self._tell("write")

    def end(self) -> None:
        self.running = False
        self._tell("end")

    async def rotate(self) -> None:
        """Look for too large a file every ten seconds, as long as the container runs."""
        while True:
            await asyncio.sleep(MONITOR_SECONDS)
            if not self.running:
                return
            if len(self._file) * LINE_BYTES >= MAX_FILE_BYTES:
                self._file = []
                self.rotations += 1
                self._tell("create")

    async def get(self, kind: Any, namespace: str, name: str) -> dict[str, Any]:
        state = "running" if self.running else "terminated"
        return pod_body(namespace, name, phase="Running", state=state)

    @contextlib.asynccontextmanager
    async def log_lines(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        follow: bool,
        since_time: datetime | None,
        tail_lines: int | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        if tail_lines is not None:
            yield self._tail(tail_lines)
            return
        after, way = next(self._cuts, (1e9, ""))
        if way == "refuse":
            raise KubernetesError("the API server is away")
        yield self._cut(self._pieces(follow, since_time), after, way)

    async def _tail(self, count: int) -> AsyncIterator[bytes]:
        yield b"".join(line + b"\n" for line in self._file[-count:])

    async def _cut(self, pieces: AsyncIterator[bytes], after: float, way: str) -> AsyncIterator[bytes]:
        end = asyncio.get_running_loop().time() + after
        while (left := end - asyncio.get_running_loop().time()) > 0:
            piece = await _within(left, lambda: anext(pieces, b""))
            if not piece:
                break
            yield piece
        if way == "break" and after < 1e9:
            raise KubernetesError("the connection to the API server failed")

    async def _pieces(self, follow: bool, since: datetime | None) -> AsyncIterator[bytes]:
        """Read as a kubelet does: it watches once it is at an end, and then goes on in what is the newest file."""
        file, position = self._file, 0
        watcher: asyncio.Queue[str] | None = None
        found = True
        while True:
            while position < len(file):
                block = file[position : position + 4]
                position += len(block)
                kept = [line for line in block if since is None or _second(line) >= since]
                if kept:
                    yield b"".join(line + b"\n" for line in kept)
                    await asyncio.sleep(next(self._stalls, 0.0))
            if not follow or not found:
                return
            if watcher is None:
                watcher = asyncio.Queue()
                self._watchers.append(watcher)
                continue
            if not self.running:
                found = False
                continue
            if await watcher.get() == "create":
                file, position = self._file, 0

    def _tell(self, event: str) -> None:
        for watcher in self._watchers:
            watcher.put_nowait(event)


async def _within(seconds: float, awaited: Callable[[], Awaitable[bytes]]) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await awaited()
    except TimeoutError:
        return b""


def _second(line: bytes) -> datetime:
    stamp = stamp_of(line)
    assert stamp is not None
    return stamp[0]


class Chunks:
    """Stands for ResultStore and its logs; a write takes what ``delays`` says."""

    def __init__(self, delays: Iterator[float]) -> None:
        self._delays = delays
        self.chunks: dict[int, bytes] = {}
        self.record: Any = None
        self.logs = self

    def of(self, reference: Any, attempt: int) -> "Chunks":
        return self

    async def sizes(self) -> list[tuple[int, int]]:
        return sorted((sequence, len(data)) for sequence, data in self.chunks.items())

    async def read(self, sequence: int) -> bytes:
        return self.chunks[sequence]

    async def write(self, sequence: int, data: bytes) -> None:
        await asyncio.sleep(next(self._delays, 0.0))
        self.chunks[sequence] = data

    async def is_begun(self, reference: Any, attempt: int) -> bool:
        return bool(self.chunks) or self.record is not None

    async def read_record(self, reference: Any) -> Any:
        return self.record

    async def commit(self, reference: Any, record: Any) -> None:
        self.record = record

    @property
    def text(self) -> bytes:
        return b"".join(data for _, data in sorted(self.chunks.items()))
