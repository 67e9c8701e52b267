"""Sends spans to a collector of traces with OTLP over HTTP, in the background. Nothing waits for it."""

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Final, Self

import aiohttp
import structlog

from serviceexecution.process.settings import ProcessSettings
from serviceexecution.tracing.metrics import SPANS
from serviceexecution.tracing.span import Span, export_request

logger = structlog.stdlib.get_logger()

MOST_WAITING: Final = 4096
"""Spans, a few kilobytes each at most."""
_AT_ONCE: Final = 256
_GATHER_SECONDS: Final = 1.0
"""For which spans gather before a request, so that there are not as many requests as spans."""
_TRY_SECONDS: Final = 10.0
_LAST_TRY_SECONDS: Final = 2.0
"""For what is left when the process ends."""
_PAUSES: Final = (1.0, 5.0)
"""Seconds before the second and the third try."""
_LONGEST_PAUSE: Final = 30.0
_LARGEST_ANSWER: Final = 65_536
_TRY_AGAIN: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class TraceExporter:
    """A bounded queue of spans, and the task that empties it. What does not fit is dropped and counted."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        resource: Mapping[str, str | int],
        *,
        gather: float = _GATHER_SECONDS,
        pauses: Sequence[float] = _PAUSES,
    ) -> None:
        """``url`` is the whole address; ``gather`` and ``pauses``, in seconds, are for tests."""
        self._url = url
        self._headers = {**headers, "Content-Type": "application/json"}
        self._resource = resource
        self._gather = gather
        self._pauses = pauses
        self._waiting: deque[Span] = deque()
        self._news = asyncio.Event()

    @classmethod
    def of(cls, settings: ProcessSettings, service: str) -> Self | None:
        """Return the exporter of a process, None where nothing is traced."""
        if not settings.traces_url:
            return None
        resource = {"service.name": service, "service.instance.id": socket.gethostname()}
        return cls(settings.traces_url, settings.traces_headers, resource)

    def offer(self, spans: Iterable[Span]) -> None:
        """Take spans to be sent soon; never waits."""
        for span in spans:
            if len(self._waiting) >= MOST_WAITING:
                SPANS.labels("full").inc()
            else:
                self._waiting.append(span)
        self._news.set()

    async def run(self) -> None:
        """Send spans for ever; when it is cancelled, once more what is left."""
        async with aiohttp.ClientSession(
            trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        ) as session:
            try:
                while True:
                    await self._news.wait()
                    self._news.clear()
                    await asyncio.sleep(self._gather)
                    while self._waiting:
                        await self._send(session, self._batch())
            finally:
                if self._waiting:
                    spans = self._batch()
                    await self._try(session, self._body(spans), len(spans), seconds=_LAST_TRY_SECONDS)

    def _batch(self) -> list[Span]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), _AT_ONCE))]

    def _body(self, spans: list[Span]) -> bytes:
        return json.dumps(export_request(spans, self._resource)).encode()

    async def _send(self, session: aiohttp.ClientSession, spans: list[Span]) -> None:
        body = self._body(spans)
        for pause in (*self._pauses, None):
            asked = await self._try(session, body, len(spans), last=pause is None)
            if asked is None or pause is None:
                return
            await asyncio.sleep(min(max(pause, asked), _LONGEST_PAUSE))

    async def _try(
        self,
        session: aiohttp.ClientSession,
        body: bytes,
        count: int,
        *,
        last: bool = True,
        seconds: float = _TRY_SECONDS,
    ) -> float | None:
        """Send so many spans once. Return None when it is over with them, else the least seconds before another try."""
        try:
            async with (
                asyncio.timeout(seconds),
                session.post(self._url, data=body, headers=self._headers, allow_redirects=False) as response,
            ):
                if response.status in _TRY_AGAIN and not last:
                    return _seconds(response.headers.get("Retry-After"))
                if response.status != HTTPStatus.OK:
                    self._lost("refused", count, status=response.status)
                    return None
                refused = _refused(await response.content.read(_LARGEST_ANSWER))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            if not last:
                return 0
            self._lost("unanswered", count, error=f"{type(error).__name__}: {error}")
            return None
        refused = min(refused, count)
        SPANS.labels("sent").inc(count - refused)
        if refused:
            self._lost("refused", refused)
        return None

    def _lost(self, outcome: str, count: int, **facts: object) -> None:
        SPANS.labels(outcome).inc(count)
        logger.warning("spans of traces dropped", outcome=outcome, count=count, **facts)


def _refused(answer: bytes) -> int:
    """Return how many spans the collector did not take, as the answer says."""
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(answer)
        partial = document.get("partialSuccess") if isinstance(document, dict) else None
        if isinstance(partial, dict):
            return max(0, int(str(partial.get("rejectedSpans", 0))[:9]))
    return 0


def _seconds(text: str | None) -> float:
    return float(text[:9]) if text is not None and text.isascii() and text.isdecimal() else 0
