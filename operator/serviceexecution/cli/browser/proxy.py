"""A proxy on this machine that adds the gateway's token to what the browser asks.

Other users of the machine reach the port as well, and so does each page that the browser shows. Requests count only
with a path that nobody else knows, and with this address as their host: a name that a stranger's page points here
(DNS rebinding) is refused.
"""

import json
import secrets
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import httpx
from typing_extensions import override

from serviceexecution.cli.client.channel import Channel
from serviceexecution.cli.errors import CommandError
from serviceexecution.kube.errors import KubernetesError

_HOST: Final = "127.0.0.1"
_SESSION: Final = "/console/session.json"
_CHUNK: Final = 64 * 1024
_LONGEST_LINE: Final = 64 * 1024
_PATIENCE: Final = 120.0
"""Seconds without a byte after which a browser is given up."""
_PASSED_ON: Final = (
    "accept",
    "accept-encoding",
    "content-type",
    "content-length",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-range",
    "last-event-id",
    "prefer",
    "range",
)
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "server", "date", "set-cookie"}
)


class ConsoleProxy(ThreadingHTTPServer):
    """Serves the gateway's pages and API below ``url``, as the one who opened the channel."""

    daemon_threads = True

    def __init__(self, channel: Channel, namespace: str, *, port: int = 0) -> None:
        super().__init__((_HOST, port), _Handler)
        self.channel = channel
        self.namespace = namespace
        self.prefix = f"/{secrets.token_urlsafe(32)}"

    @property
    def host(self) -> str:
        """Return what the header Host must be."""
        return f"{_HOST}:{self.server_address[1]}"

    @property
    def url(self) -> str:
        """Return the console's address."""
        return f"http://{self.host}{self.prefix}/console/"


class _Handler(BaseHTTPRequestHandler):
    server: ConsoleProxy
    timeout = _PATIENCE

    @override
    def log_message(self, *_: object) -> None:
        """Print nothing: a line would hold the secret path."""

    @override
    def handle_one_request(self) -> None:
        """Answer a request, whatever its method: the gateway says which there are."""
        try:
            self.raw_requestline = self.rfile.readline(_LONGEST_LINE + 1)
            if not self.raw_requestline or len(self.raw_requestline) > _LONGEST_LINE:
                self.close_connection = True
            elif self.parse_request():
                self._answer()
        except OSError:
            self.close_connection = True  # The browser has gone, or an answer is cut

    def _answer(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            self._problem(*refusal)
            return
        path = self.path.removeprefix(self.server.prefix)
        if path == _SESSION:
            self._send_json(HTTPStatus.OK, {"signedIn": True, "namespace": self.server.namespace})
            return
        try:
            self._forward(path)
        except (CommandError, KubernetesError) as error:
            self._problem(HTTPStatus.FORBIDDEN, str(error))
        except httpx.HTTPError as error:
            self._problem(HTTPStatus.BAD_GATEWAY, f"The cluster cannot be reached: {error}")

    def _refusal(self) -> tuple[HTTPStatus, str] | None:
        if self.headers.get("Host") != self.server.host:
            return HTTPStatus.MISDIRECTED_REQUEST, f"This is only http://{self.server.host}."
        prefix = f"{self.server.prefix}/"
        if not secrets.compare_digest(self.path[: len(prefix)].encode(), prefix.encode()):
            return (
                HTTPStatus.NOT_FOUND,
                "There is no such page; open the address that sx console has printed.",
            )
        if self.headers.get("Origin") not in {None, f"http://{self.server.host}"}:
            return HTTPStatus.FORBIDDEN, "Pages of other origins may not call."
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return HTTPStatus.LENGTH_REQUIRED, "The body must have a Content-Length."
        return None

    def _forward(self, path: str) -> None:
        channel = self.server.channel
        headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
        headers |= channel.caller.headers()
        length = int(self.headers.get("Content-Length") or 0)
        body = self._body(length) if length else None
        timeout = httpx.Timeout(30.0, read=None)  # A followed log is silent for as long as the program is
        with channel.http.stream(
            self.command, f"{channel.url}{path}", headers=headers, content=body, timeout=timeout
        ) as answer:
            if answer.status_code == HTTPStatus.UNAUTHORIZED:
                channel.caller.forget()
            self.send_response(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self._pass_on(answer)

    def _pass_on(self, answer: httpx.Response) -> None:
        try:
            for chunk in answer.iter_raw():
                self.wfile.write(chunk)
                self.wfile.flush()
        except httpx.HTTPError as error:  # A problem would become part of the body that has begun
            raise ConnectionError from error

    def _body(self, length: int) -> Iterator[bytes]:
        while length > 0:
            chunk = self.rfile.read(min(length, _CHUNK))
            if not chunk:
                raise ConnectionError
            length -= len(chunk)
            yield chunk

    def _problem(self, status: HTTPStatus, detail: str) -> None:
        self.close_connection = True
        self._send_json(status, {"status": status, "title": status.phrase, "detail": detail})

    def _send_json(self, status: HTTPStatus, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
