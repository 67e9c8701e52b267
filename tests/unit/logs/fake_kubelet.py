"""A pod with one container and its log file, as kubelet and API server show them, with their faults."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

from serviceexecution.kube.errors import KubernetesError
from serviceexecution.logs.lines import stamp_of

POD_UID = "pod-uid"


def pod_body(namespace: str, name: str, *, phase: str, state: str) -> dict[str, Any]:
    """Return the pod whose main is ``running`` or ``terminated``."""
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": POD_UID,
            "creationTimestamp": "2026-07-01T09:00:00Z",
        },
        "status": {
            "phase": phase,
            "containerStatuses": [
                {"name": "collector", "state": {"running": {}}},
                {"name": "main", "state": {state: {"exitCode": 0}}},
            ],
        },
    }


class FakeKubelet:
    """Stands for KubernetesClient. Lines are b"<time> text"; ``faults`` says how each stream in turn is cut."""

    def __init__(self, lines: list[bytes] | None = None, *, state: str = "terminated") -> None:
        self.lines = list(lines or [])
        self.state = state
        self.phase = "Running"
        self.pod_there = True
        self.faults: Iterator[tuple[int, str]] = iter(())
        self.chunk_bytes = 1 << 20
        self.last_line_end = b"\n"
        self.open_errors: list[KubernetesError] = []
        self.opened: list[tuple[bool, datetime | None, int | None]] = []
        self.open_streams = 0
        self.gets = 0
        """How often the pod was read."""
        self.can_follow = True
        self.rotated_away = 0
        """So many lines are in older files, which no new stream reads."""
        self.news = asyncio.Condition()

    async def say(self, *lines: bytes, state: str | None = None) -> None:
        async with self.news:
            self.lines += lines
            self.state = state or self.state
            self.news.notify_all()

    async def get(self, kind: Any, namespace: str, name: str) -> dict[str, Any] | None:
        self.gets += 1
        if not self.pod_there:
            return None
        return pod_body(namespace, name, phase=self.phase, state=self.state)

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
        self.opened.append((follow, since_time, tail_lines))
        if self.open_errors:
            raise self.open_errors.pop(0)
        if not self.pod_there:
            raise KubernetesError("pods not found", status=404, reason="NotFound")
        self.open_streams += 1
        try:
            yield self._chunks(follow, since_time, tail_lines)
        finally:
            self.open_streams -= 1

    async def _chunks(self, follow: bool, since: datetime | None, tail: int | None) -> AsyncIterator[bytes]:
        left, way = next(self.faults, (1 << 60, "")) if tail is None else (1 << 60, "")
        async for data in self._whole(follow, since, tail):
            for start in range(0, len(data), self.chunk_bytes):
                chunk = data[start : start + self.chunk_bytes]
                if len(chunk) > left:
                    if left:
                        yield chunk[:left]
                    if way == "break":
                        raise KubernetesError("the connection to the API server failed")
                    if way == "hang":
                        await asyncio.Event().wait()
                    return  # the API server ends a broken stream cleanly
                left -= len(chunk)
                yield chunk

    async def _whole(self, follow: bool, since: datetime | None, tail: int | None) -> AsyncIterator[bytes]:
        position = max(self.rotated_away, 0 if tail is None else len(self.lines) - tail)
        while True:
            ended = self.state != "running"
            block = self.lines[position:]
            position = len(self.lines)
            kept = [line for line in block if since is None or _second(line) >= since]
            data = b"".join(line + b"\n" for line in kept)
            yield data if not ended or not data else data[:-1] + self.last_line_end
            if follow and not self.can_follow:  # as a real one does, also when the container has ended
                yield b"failed to create fsnotify watcher: too many open files"
                return
            if ended or not follow:
                return
            async with self.news:
                while len(self.lines) == position and self.state == "running":
                    await self.news.wait()


def _second(line: bytes) -> datetime:
    stamp = stamp_of(line)
    assert stamp is not None
    return stamp[0]


def line(number: int, *, per_second: int = 3, text: bytes | None = None) -> bytes:
    """Return the number-th line of a log in which several lines share a second."""
    second, fraction = divmod(number, per_second)
    stamp = f"2026-11-23T15:{second // 60 % 60:02d}:{second % 60:02d}.{fraction:09d}Z"
    return stamp.encode() + b" " + (b"line %d" % number if text is None else text)
