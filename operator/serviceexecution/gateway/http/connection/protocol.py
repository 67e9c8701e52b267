"""HTTP/1.1 with bounds. uvicorn's own protocol takes heads of any size, waits for them for ever, refuses in plain text,
and loses the bodies of clients that offer another protocol, as Java's does at every address without TLS.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import httptools
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from serviceexecution.gateway.http.connection.connections import Admission, Connections
from serviceexecution.gateway.http.connection.lingering import Lingering
from serviceexecution.gateway.http.forwarded import is_host
from serviceexecution.gateway.http.gone import GONE, HELD, CutAnswerError
from serviceexecution.gateway.http.problems import Problem, response_of, unavailable

MAX_HEAD_BYTES: Final = 65536
"""A path of 4,096 bytes is three times as long when all of it is percent-encoded; a token may have 16 KiB. Counted
from the piece behind the one that a head begins in, so that up to twice as much is taken."""
HEAD_SECONDS: Final = 60.0
"""How long a request's head may take, and a new connection may stay silent: anybody can open one."""
LINGER_SECONDS: Final = 2.0
"""How long a refused client may go on sending: were the connection reset at once, it would not read why."""
DROPPED_BYTES: Final = 8 * 1024 * 1024
"""What of a body is read in a second behind a refusal, where all of it is dropped: reading costs as much as the body is
long, and a client that is refused may send the next one at once."""
STALLED_SECONDS: Final = 120.0
"""How long a client may take for what is sent to it, some 64 KiB at a time: one that reads nothing would keep an open
file and a connection for ever."""
MOST_PIPELINED: Final = 16
"""Requests that a client may send before the first is answered; hardly any sends a second."""
_HEALTH: Final = frozenset({b"/healthz", b"/readyz"})
_READING: Final = frozenset({"GET", "HEAD"})

_FRAMING: Final = 16
"""Most bytes that a chunked body's framing may cost for each of its own: a chunk of one byte costs six."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Ends connections whose head, or what stands behind a chunked body, is too large or takes too long.

    An answer that comes before the end of its request's body also ends the connection: what comes next could be the
    rest of the body or another request, and a rest that never comes would keep the connection open for ever.
    """

    _received = 0
    """Bytes of the current request."""
    _content = 0
    """Those of them that are its body."""
    _timer: asyncio.TimerHandle | None = None
    _answers = False
    """Whether a request of this connection has been given to the app."""
    _refused = False
    _stalled: asyncio.TimerHandle | None = None
    _admission = Admission.ALL
    _end_waiting: Callable[[], None] | None = None
    """Has the request answered that waits for something, None when none does."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        opened: Connections,
    ) -> None:
        """``opened`` are the server's connections."""
        super().__init__(config, server_state, app_state, _loop)
        self._opened = opened

    @property
    def is_idle(self) -> bool:
        """Tell whether no request of the connection is being answered, or only one that waits for something."""
        return self._end_waiting is not None or self._asks_nothing

    @property
    def _asks_nothing(self) -> bool:
        return not self._answers or self.cycle.response_complete

    def make_room(self) -> None:
        """End at once, or as soon as the last answer has gone."""
        self._refused = True
        if self._end_waiting is not None:
            self.cycle.keep_alive = False
            self._end_waiting()
            return
        self.transport.close()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._admission = self._opened.opened(self, self.client[0] if self.client is not None else "")
        self._wait_for_head()
        if self._admission is Admission.NOTHING:
            self._refuse_for_room()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._opened.closed(self)
        self._head_has_come()
        self._reads_again()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._refused:
            self._drop(len(data))
            return
        for start in range(0, len(data), MAX_HEAD_BYTES):
            if not self._refused:
                self._parse(data[start : start + MAX_HEAD_BYTES])
        if self._asks_nothing and not self._refused:  # Empty lines before a request begin none
            self._wait_for_head()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._reads_again()

    @override
    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():  # The last answer was not read
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._received = self._content = 0
        self._wait_for_head()
        if self._end_waiting is not None:  # Its client wants more; what comes of it would be kept as long
            self._end_waiting()

    @override
    def on_headers_complete(self) -> None:
        self._head_has_come()
        if self._refused or self.parser.should_upgrade() or not self._may_be_answered():
            return
        self._answers = True
        super().on_headers_complete()
        self.cycle.transport = Lingering(self.transport, self, self.cycle)  # type: ignore[assignment]

    @override
    def on_body(self, body: bytes) -> None:
        self._content += len(body)
        if not self._refused:
            super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        if not self._refused and not self.parser.should_upgrade():
            super().on_message_complete()

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        async def answered(scope: Scope, receive: Receive, send: Send) -> None:
            async def last_before_a_rest(message: Message) -> None:
                if message["type"] == "http.response.start" and cycle.more_body:
                    cycle.keep_alive = False
                await send(message)

            def gone() -> bool:
                # What has come as a whole and changes something is done all the same.
                return cycle.disconnected and (cycle.more_body or scope["method"] in _READING)

            extensions = {GONE: gone, HELD: self._held}
            try:
                await app({**scope, "extensions": extensions}, receive, last_before_a_rest)
            except CutAnswerError:
                cycle.transport.close()
                cycle.disconnected = True  # Else uvicorn logs it once more

        super()._start_asgi_task(cycle, answered)  # type: ignore[arg-type]

    def _held(self, end: Callable[[], None] | None) -> None:
        self._end_waiting = end
        if end is not None and (self.pipeline or self._timer is not None):
            end()

    def linger(self) -> None:
        """End the connection behind what was sent, and read on for a moment: else the client may not get it."""
        self._refused = True
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
        if self._stalled is None:
            self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def _drop(self, size: int) -> None:
        """Take what nobody reads, and more of it when its time has come."""
        self.flow.pause_reading()
        self.loop.call_later(size / DROPPED_BYTES, self._drop_more)

    def _drop_more(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _may_be_answered(self) -> bool:
        """Refuse a head that stands for no request or for another one than it seems (RFC 9112, sections 3.2 and 6)."""
        hosts = [value for name, value in self.headers if name == b"host"]
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if len(hosts) > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidHost", "A request has one header Host.")
        elif hosts and not is_host(hosts[0].strip().decode("latin-1")):
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidHost", "The header Host is no host.")
        elif codings not in ([], [b"chunked"]):
            self._refuse(
                HTTPStatus.NOT_IMPLEMENTED, "TransferEncoding", "The only Transfer-Encoding here is chunked."
            )
        elif len(self.pipeline) >= MOST_PIPELINED:
            self._refuse(
                HTTPStatus.BAD_REQUEST, "TooManyPipelined", "Wait for an answer before further requests."
            )
        elif self._admission is Admission.HEALTH and self.url.partition(b"?")[0] not in _HEALTH:
            self._refuse_for_room()
        return not self._refused

    def _refuse_for_room(self) -> None:
        busy = unavailable("Busy", "The gateway has as many connections as it can; come back in a moment.")
        self._refuse_by(busy)

    def _reads_again(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _parse(self, data: bytes) -> None:
        self._received += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._read_without_offer(data[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidRequest", "This is no HTTP request.")
        if self._received > MAX_HEAD_BYTES + (1 + _FRAMING) * self._content:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "HeadTooLarge",
                f"The request's line and headers have more than {MAX_HEAD_BYTES:,} bytes.",
            )

    def _read_without_offer(self, rest: bytes) -> None:
        """Read the request anew as if it had not offered another protocol: the parser stops behind such a head."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidRequest", "This is no proxy.")
            return
        head = [method + b" " + self.url + b" HTTP/1.1"]
        head += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*head, b"", rest]))

    def _wait_for_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _head_has_come(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: HTTPStatus, code: str, detail: str) -> None:
        self._refuse_by(Problem(status, code, detail))

    def _refuse_by(self, problem: Problem) -> None:
        """Answer, unless another answer is under way, and end the connection."""
        if self._refused:
            return
        self._refused = True
        if self._answers and not self.cycle.response_complete:
            self.transport.close()
            return
        answer = response_of(problem)
        status = problem.status
        head = [f"HTTP/1.1 {status.value} {status.phrase}".encode(), b"connection: close"]
        head += [name + b": " + value for name, value in answer.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))
        self.linger()
