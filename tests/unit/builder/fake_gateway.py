"""A gateway on loopback that does what a test says."""

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Handler = http.server.BaseHTTPRequestHandler


@dataclass
class FakeGateway:
    """``source`` is what is given for the archive; ``faults`` are answers (status, body) given before that."""

    source: bytes = b""
    bundle: bytes = b""
    faults: list[tuple[int, bytes]] = field(default_factory=list)
    cut_once: bool = False
    """Announce more than is sent, once."""
    reports: list[bytes] = field(default_factory=list)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path, Authorization."""
    url: str = ""
    before: Callable[[], None] = lambda: None

    def answer(self, handler: Handler) -> None:
        """Answer one request."""
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        self.requests.append((handler.command, handler.path, handler.headers.get("Authorization", "")))
        self.before()
        if self.faults:
            self._send(handler, *self.faults.pop(0))
        elif handler.command == "PUT":
            self.reports.append(body)
            self._send(handler, 204)
        elif handler.path.endswith("/source"):
            more = 10 if self.cut_once else 0
            self.cut_once = False
            self._send(handler, 200, self.source, more)
        else:
            self._send(handler, 200 if self.bundle else 204, self.bundle)

    def _send(self, handler: Handler, status: int, body: bytes = b"", more: int = 0) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) + more))
        handler.end_headers()
        handler.wfile.write(body)
        if more:
            handler.close_connection = True


@contextlib.contextmanager
def serving(fake: FakeGateway) -> Iterator[FakeGateway]:
    """Serve until the end of the block."""

    class Answering(Handler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802 - the names of http.server
            fake.answer(self)

        do_PUT = do_GET  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
