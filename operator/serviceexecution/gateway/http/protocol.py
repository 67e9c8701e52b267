"""HTTP/1.1 with bounds. uvicorn's own protocol takes heads of any size, waits for them for ever, refuses in plain text,
and loses the bodies of clients that offer another protocol, as Java's does at every address without TLS.
"""

import asyncio
from http import HTTPStatus
from typing import Final

import httptools
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serviceexecution.gateway.http.problems import Problem, response_of

MAX_HEAD_BYTES: Final = 65536
"""A path of 4,096 bytes is three times as long when all of it is percent-encoded; a token may have 16 KiB. Counted
from the piece behind the one that a head begins in, so that up to twice as much is taken."""
HEAD_SECONDS: Final = 60.0
"""How long a request's head may take, and a new connection may stay silent: anybody can open one."""
LINGER_SECONDS: Final = 2.0
"""How long a refused client may go on sending: were the connection reset at once, it would not read why."""

_FRAMING: Final = 16
"""Most bytes that a chunked body's framing may cost for each of its own: a chunk of one byte costs six."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Ends connections whose head, or what stands behind a chunked body, is too large or takes too long."""

    _received = 0
    """Bytes of the current request."""
    _content = 0
    """Those of them that are its body."""
    _timer: asyncio.TimerHandle | None = None
    _answers = False
    """Whether a request of this connection has been given to the app."""
    _refused = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._wait_for_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._head_has_come()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        for start in range(0, len(data), MAX_HEAD_BYTES):
            if not self._refused:
                self._parse(data[start : start + MAX_HEAD_BYTES])

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._received = self._content = 0
        self._wait_for_head()

    @override
    def on_headers_complete(self) -> None:
        self._head_has_come()
        if not self.parser.should_upgrade():
            self._answers = True
            super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._content += len(body)
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

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
        """Answer, unless another answer is under way, and end the connection."""
        self._refused = True
        if self._answers and not self.cycle.response_complete:
            self.transport.close()
            return
        answer = response_of(Problem(status, code, detail))
        head = [f"HTTP/1.1 {status.value} {status.phrase}".encode(), b"connection: close"]
        head += [name + b": " + value for name, value in answer.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
