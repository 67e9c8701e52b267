"""Counts how often each program begins: each tells it, over HTTP, before it does anything."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from typing_extensions import override


class Journal:
    """A server at ``host`` while the context lasts; a GET of ``/NAME`` counts a start of NAME."""

    def __init__(self, host: str) -> None:
        starts = self.starts = Counter[str]()
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                # Counted first: a program whose answer is lost asks again, and is the same start.
                name, _, token = self.path.strip("/").partition("/")
                with lock:
                    if (name, token) not in seen:
                        seen.add((name, token))
                        starts[name] += 1
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        seen: set[tuple[str, str]] = set()
        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
