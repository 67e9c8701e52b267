"""The gateway's calls about data pools."""

from __future__ import annotations

from ..gateway_client import (
    CHUNK_BYTES,
    COMMIT_SECONDS,
    GatewayClient,
    RefusedError,
    json_of,
    problem_of,
    quote,
)
from ..http_client import HttpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from ..http_client import Response
    from ..settings import Settings

    class Sink(Protocol):
        """Takes the bytes of a pool from ``position`` to ``end``."""

        @property
        def position(self) -> int: ...
        @property
        def end(self) -> int: ...
        def write(self, piece: memoryview) -> None: ...


class PoolClient(GatewayClient):
    """Calls about one data pool, named by its property. What its methods raise is said at GatewayClient."""

    def __init__(self, settings: Settings, name: str) -> None:
        super().__init__(settings)
        self._base = f"/collect/v1/pools/{quote(name)}"
        self._piece = memoryview(bytearray(CHUNK_BYTES))

    def index(self) -> bytes:
        """Return the list of the pool's files, as it was when the execution started. Raises UnavailableError."""
        response, _ = self.until_answered(
            lambda: (self.http.request("GET", f"{self._base}/index", self.headers()), b"")
        )
        if response.status >= 300:
            raise RefusedError(response.status, problem_of(response)[1])
        return response.body

    def content(self, sink: Sink) -> None:
        """Bring what ``sink`` awaits, going on where an answer was cut. Raises UnavailableError, and what the sink
        raises."""
        while sink.position < sink.end:
            before = sink.position
            response, _ = self.until_answered(lambda: (self._attempt(sink), b""))
            if response.status >= 300:
                raise RefusedError(response.status, problem_of(response)[1])
            if sink.position == before:
                raise RefusedError(response.status, "The gateway sends nothing of a data pool.")

    def put(self, name: str, descriptor: int, size: int) -> bytes:
        """Bring the content of a file, and return its SHA-256. Raises NotSucceededError, and as ``put_file``."""
        return self.put_to(f"{self._base}/files/{quote(name)}", name, descriptor, size)

    def put_together(self, body: Callable[[], Iterator[bytes]]) -> str | None:
        """Have what was brought put together to a state, and return its digest; None when nothing has changed.

        Raises MismatchError for a file that has not come, RefusedError, NotSucceededError, GaveUpError.
        """
        length = sum(len(piece) for piece in body())

        def attempt() -> tuple[Response, bytes]:
            response = self.http.request(
                "POST",
                f"{self._base}/state",
                self.headers() | {"Content-Type": "application/x-ndjson"},
                body(),
                length=length,
                answer_seconds=COMMIT_SECONDS,
            )
            return response, b""

        response, _ = self.until_answered(attempt)
        if response.status >= 300:
            code, detail = problem_of(response)
            raise RefusedError(response.status, detail, code)
        index = json_of(response.body).get("index")
        return index if isinstance(index, str) else None

    def _attempt(self, sink: Sink) -> Response:
        start, end = sink.position, sink.end
        headers = self.headers() | {"Range": f"bytes={start}-{end - 1}"}
        wanted = f"bytes {start}-"  # An answer may be shorter than what was asked for

        def checked(piece: memoryview) -> None:
            if sink.position + len(piece) > end:
                raise HttpError("more was sent than was asked for")
            sink.write(piece)

        response = self.http.download(f"{self._base}/content", headers, self._piece, checked)
        if response.status < 300 and not response.headers.get("content-range", "").startswith(wanted):
            raise HttpError("not the bytes that were asked for")
        return response
