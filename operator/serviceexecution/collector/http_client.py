"""A small HTTP/1.1 client on bare sockets: http.client would cost twice the memory and start-up time.

Requests with a known length, one connection that is kept open, answers read into memory (ours are short).
"""

from __future__ import annotations

import select
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Final

CONNECT_SECONDS: Final = 10.0
STALL_SECONDS: Final = 60.0
"""No byte could be sent or received for so long: the connection is dead."""

_MAX_HEAD: Final = 65536
_PIECE: Final = 65536
_MAX_BODY: Final = 16 * 1024 * 1024


class HttpError(OSError):
    """The other side does not speak HTTP as it should, or closed too early."""


class Response:
    """An answer: status code, headers with names in lower case, body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class HttpClient:
    """One connection to one server, opened when needed. All methods raise OSError; the connection is then
    closed, and the next request opens a new one."""

    def __init__(self, url: str, ca_file: str | None = None) -> None:
        scheme, _, rest = url.partition("://")
        authority, slash, path = rest.partition("/")
        self._secure = scheme == "https"
        self._ca_file = ca_file
        self._authority = authority
        host, colon, port = authority.rpartition(":")
        if not colon or port.endswith("]"):
            host, port = authority, "443" if self._secure else "80"
        self._address = (host.strip("[]"), int(port))
        self._base = (slash + path).rstrip("/")
        self._socket: socket.socket | None = None
        self._received = bytearray()
        self._cut_short = False  # The body was not sent to its end: only the answer may follow

    def close(self) -> None:
        """Close the connection, if one is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._received.clear()

    def fileno(self) -> int:
        """Return the connection's descriptor, to poll for an answer that was asked for with ``send``."""
        return -1 if self._socket is None else self._socket.fileno()

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Iterable[bytes | memoryview] = (),
        *,
        length: int = 0,
        answer_seconds: float = STALL_SECONDS,
    ) -> Response:
        """Send a request and return its answer, which must begin within ``answer_seconds``.

        An answer that comes before all of the body was sent ends the sending.
        """
        try:
            self.send(method, target, headers, body, length=length)
            return self.receive(answer_seconds)
        except BaseException:
            self.close()  # A half-sent request must not be followed by another one
            raise

    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Iterable[bytes | memoryview] = (),
        *,
        length: int = 0,
    ) -> None:
        """Send a request without waiting for its answer."""
        lines = [f"{method} {self._base}{target} HTTP/1.1", f"Host: {self._authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if length or method in {"PUT", "POST"}:
            lines.append(f"Content-Length: {length}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
        connection = self._open()
        self._cut_short = False
        try:
            pending = head
            for piece in body:
                if pending:  # Head and a small body in one packet
                    connection.sendall(pending + bytes(piece))
                    pending = b""
                elif self.answered():
                    self._cut_short = True  # An early answer: the rest is not wanted
                    return
                else:
                    connection.sendall(piece)
            if pending:
                connection.sendall(pending)
        except (BrokenPipeError, ConnectionResetError):
            # An early answer may have been sent before the connection was closed
            if not self.answered():
                raise
            self._cut_short = True

    def answered(self) -> bool:
        """Tell, without waiting, whether an answer has begun to come, or the connection was closed."""
        connection = self._socket
        if connection is None or not select.select([connection], [], [], 0)[0]:
            return bool(self._received)
        if not self._secure:
            return True
        import ssl  # noqa: PLC0415 - loaded already

        timeout = connection.gettimeout()
        connection.settimeout(0)
        try:
            data = connection.recv(_PIECE)
        except ssl.SSLWantReadError:  # Not an answer, but a message of TLS itself
            return bool(self._received)
        finally:
            connection.settimeout(timeout)
        self._received += data
        return True

    def receive(self, answer_seconds: float = STALL_SECONDS) -> Response:
        """Return the answer to the request that was sent."""
        connection, status, headers = self._answer(answer_seconds)
        return self._rest(connection, status, headers)

    def download(
        self, target: str, headers: Mapping[str, str], buffer: memoryview, sink: Callable[[memoryview], None]
    ) -> Response:
        """Send a GET and give the body of a 200 or 206 to ``sink`` in pieces, which are in ``buffer`` until it returns.
        Other answers are returned with their body."""
        try:
            self.send("GET", target, headers)
            connection, status, answered = self._answer(STALL_SECONDS)
            text = answered.get("content-length", "")
            if status not in {200, 206} or not text.isdecimal():
                return self._rest(connection, status, answered)
            rest = int(text)
            early = self._received[:rest]
            del self._received[:rest]
            rest -= len(early)
            if early:
                sink(memoryview(early))
            while rest:
                count = _some(connection, buffer[: min(rest, len(buffer))])
                rest -= count
                sink(buffer[:count])
        except BaseException:
            self.close()
            raise
        if answered.get("connection", "").lower() == "close":
            self.close()
        return Response(status, answered, b"")

    def _answer(self, seconds: float) -> tuple[socket.socket, int, dict[str, str]]:
        """Return the connection, and status and headers of the final answer on it."""
        connection = self._socket
        if connection is None:
            raise HttpError("no request was sent")
        connection.settimeout(seconds)
        while True:
            status, headers = self._head(connection, self._received)
            if status >= 200:
                break
        connection.settimeout(STALL_SECONDS)
        return connection, status, headers

    def _rest(self, connection: socket.socket, status: int, headers: dict[str, str]) -> Response:
        buffer = self._received
        body, whole = _body(connection, buffer, status, headers)
        buffer.clear()
        if not whole or self._cut_short or headers.get("connection", "").lower() == "close":
            self.close()
        return Response(status, headers, body)

    def _head(self, connection: socket.socket, buffer: bytearray) -> tuple[int, dict[str, str]]:
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            if len(buffer) > _MAX_HEAD:
                raise HttpError("the answer's head is too long")
            _more(connection, buffer)
        lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
        del buffer[: end + 4]
        version, _, rest = lines[0].partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdecimal():
            raise HttpError(f"not an HTTP answer: {lines[0][:60]!r}")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(rest[:3]), headers

    def _open(self) -> socket.socket:
        if self._socket is not None and self.answered():
            self.close()  # The server closed it meanwhile
        if self._socket is None:
            connection = socket.create_connection(self._address, timeout=CONNECT_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure:
                import ssl  # noqa: PLC0415 - costs memory that plain HTTP need not pay

                context = ssl.create_default_context(cafile=self._ca_file)
                connection = context.wrap_socket(connection, server_hostname=self._address[0])
            self._socket = connection
        self._socket.settimeout(STALL_SECONDS)
        return self._socket


def _some(connection: socket.socket, buffer: memoryview) -> int:
    count = connection.recv_into(buffer)
    if not count:
        raise HttpError("the connection was closed before the answer was complete")
    return count


def _more(connection: socket.socket, buffer: bytearray) -> None:
    data = connection.recv(_PIECE)
    if not data:
        raise HttpError("the connection was closed before the answer was complete")
    buffer += data


def _body(
    connection: socket.socket, buffer: bytearray, status: int, headers: dict[str, str]
) -> tuple[bytes, bool]:
    """Return the body, and whether the connection can be used again."""
    if status in {204, 304}:
        return b"", True
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunked(connection, buffer), True
    text = headers.get("content-length")
    if text is None:
        while len(buffer) <= _MAX_BODY and (data := connection.recv(_PIECE)):
            buffer += data
        return bytes(buffer), False
    if not text.isdecimal() or int(text) > _MAX_BODY:
        raise HttpError(f"an answer of {text} bytes")
    while len(buffer) < int(text):
        _more(connection, buffer)
    return bytes(buffer[: int(text)]), True


def _chunked(connection: socket.socket, buffer: bytearray) -> bytes:
    body = bytearray()
    while True:
        while (end := buffer.find(b"\r\n")) < 0:
            _more(connection, buffer)
        try:
            size = int(bytes(buffer[:end]).partition(b";")[0], 16)
        except ValueError:
            raise HttpError("a malformed chunk") from None
        if len(body) + size > _MAX_BODY:
            raise HttpError("the answer is too long")
        while len(buffer) < end + size + 4:  # Size line, data, and the line end after it
            _more(connection, buffer)
        body += buffer[end + 2 : end + 2 + size]
        del buffer[: end + size + 4]
        if size == 0:
            return bytes(body)
