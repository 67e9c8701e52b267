"""Small servers on loopback that stand between a client and the gateway, or for what we do not have."""

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx


@dataclass
class LossyProxy:
    """Passes requests on; the answers of the first POSTs get lost after the gateway has given them."""

    address: str
    lost: list[int] = field(default_factory=list)
    """Status codes of the answers that were lost."""


@contextlib.contextmanager
def lossy_proxy(gateway: str, *, losses: int) -> Iterator[LossyProxy]:
    """Serve on loopback until the end of the block."""
    found = LossyProxy("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            answer = httpx.request(
                self.command, f"{gateway}{self.path}", headers=headers, content=body, timeout=60
            )
            if self.command == "POST" and len(found.lost) < losses:
                found.lost.append(answer.status_code)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("content-type", "text/plain"))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = _pass_on  # noqa: N815 - the base class calls them so

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _served(Handler) as address:
        found.address = address
        yield found


@dataclass
class FakePlatform:
    """The platform's endpoint for grants of data pools."""

    address: str
    grant: str
    requests: list[tuple[str, object]] = field(default_factory=list)
    """Path and body of each request."""


@contextlib.contextmanager
def fake_platform() -> Iterator[FakePlatform]:
    """Serve on loopback until the end of the block; every request gets a grant for an hour."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + 3600}).encode()).decode().rstrip("=")
    found = FakePlatform("", f"header.{claims}.grant-mark")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            found.requests.append((urlsplit(self.path).path, body))
            answer = json.dumps({"token": found.grant}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _served(Handler) as address:
        found.address = address
        yield found


@contextlib.contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
