"""A way to the gateway: a base URL, an HTTP client, and who calls."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import httpx

from serviceexecution.cli.errors import CommandError

TRIES: Final = 8
LARGEST_ANSWER: Final = 256 * 1024 * 1024
"""Bytes of an answer that is read as a whole: a document or a main result. Files and logs are read while they come."""
LARGEST_ERROR: Final = 64 * 1024
LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes of a line; the gateway cuts lines of logs long before."""
_LONGEST_PAUSE: Final = 10.0
_REPEATABLE: Final = frozenset({429, 502, 503, 504})
_LASTING: Final = frozenset({"ServiceNotReady"})
"""Codes of problems that a wait of seconds does not end."""
Content = bytes | Callable[[], Iterator[bytes]]


class Caller(Protocol):
    """Who calls."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers that say so, valid now."""
        ...

    def forget(self) -> None:
        """Drop what was refused."""
        ...

    def explain(self, refused: "RefusedError") -> str:
        """Return what the caller can do about a refusal, in a sentence; "" for nothing."""
        ...


class RefusedError(CommandError):
    """The gateway's answer is an error; ``status`` and ``code`` are those of its problem (RFC 9457).

    ``by_cluster`` when it was the API server on the way to it that has refused.
    """

    def __init__(self, detail: str, *, status: int, code: str, by_cluster: bool = False) -> None:
        super().__init__(detail)
        self.status = status
        self.problem_code = code
        self.by_cluster = by_cluster

    def with_hint(self, hint: str) -> "RefusedError":
        """Return the same refusal with another sentence behind it."""
        return RefusedError(
            f"{str(self).rstrip('. ')}. {hint}",
            status=self.status,
            code=self.problem_code,
            by_cluster=self.by_cluster,
        )

    @property
    def may_pass(self) -> bool:
        """Tell whether the same request may succeed in a few seconds."""
        return self.status in _REPEATABLE and self.problem_code not in _LASTING


@dataclass(frozen=True, slots=True)
class Channel:
    """Requests below ``url``. Raises RefusedError with the gateway's own sentence, httpx.HTTPError when it is away."""

    url: str
    """Without a slash at its end."""
    http: httpx.Client
    caller: Caller
    pause: float = 0.5
    """First wait in seconds before a cut transfer is taken up again."""

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Content | None = None,
        repeatable: bool = True,
    ) -> httpx.Response:
        """Send a request and return its answer, a success.

        ``repeatable`` requests are sent again when the connection was cut or the gateway is busy.
        """
        tries = 0
        while True:
            tries += 1
            try:
                with self.stream(method, path, params=params, headers=headers, content=content) as answer:
                    body = read_at_most(answer, LARGEST_ANSWER)
                    if body is None:
                        raise CommandError(f"The answer is larger than {LARGEST_ANSWER // 2**20} MiB.")
                    return httpx.Response(answer.status_code, headers=_of_whole(answer), content=body)
            except httpx.TransportError:
                if not repeatable or tries >= TRIES:
                    raise
            except RefusedError as error:
                if not repeatable or not error.may_pass or tries >= TRIES:
                    raise
            self.wait(tries)

    @contextlib.contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Content | None = None,
    ) -> Iterator[httpx.Response]:
        """Open a request once; its answer, a success, is read while it comes. A refused token is asked for anew."""
        for last in (False, True):
            body = content() if callable(content) else content
            with self.http.stream(
                method,
                self.url + path,
                params=params,
                headers={**self.caller.headers(), **(headers or {})},
                content=body,
            ) as answer:
                if answer.status_code == httpx.codes.UNAUTHORIZED and not last:
                    self.caller.forget()
                    continue
                if not answer.is_success:  # Also a redirect: no token follows it
                    refused = refusal(answer.status_code, read_at_most(answer, LARGEST_ERROR) or b"")
                    hint = self.caller.explain(refused)
                    raise refused if not hint else refused.with_hint(hint)
                yield answer
                return

    def text_lines(self, path: str) -> Iterator[str]:
        """Give the lines of a text while it comes."""
        with self.stream("GET", path) as answer:
            yield from lines_of(answer)

    def below(self, path: str) -> "Channel":
        """Return the same way to a place below."""
        return Channel(self.url + path, self.http, self.caller, self.pause)

    def is_closed(self) -> bool:
        """Tell whether nobody may send requests any more."""
        return self.http.is_closed

    def wait(self, tries: int) -> None:
        """Wait before the next try, longer each time."""
        time.sleep(min(self.pause * 2**tries, _LONGEST_PAUSE))


def file_content(
    path: Path, *, progress: Callable[[int], None] = lambda _: None
) -> Callable[[], Iterator[bytes]]:
    """Return what gives a file's content piece by piece, from its start each time; tells how many bytes have gone."""

    def pieces() -> Iterator[bytes]:
        gone = 0
        progress(0)
        with path.open("rb") as file:
            while piece := file.read(256 * 1024):
                yield piece
                gone += len(piece)
                progress(gone)

    return pieces


def lines_of(answer: httpx.Response) -> Iterator[str]:
    """Give the lines of an answer while they come; a line feed alone ends one. Raises CommandError for a long one."""
    rest = bytearray()
    for chunk in answer.iter_bytes():
        whole, line_feed, begun = chunk.rpartition(b"\n")
        if line_feed:
            rest += whole
            for line in bytes(rest).split(b"\n"):
                yield line.decode(errors="replace")
            rest.clear()
        rest += begun
        if len(rest) > LONGEST_LINE:
            raise CommandError(f"The answer has a line longer than {LONGEST_LINE // 2**20} MiB.")
    if rest:
        yield rest.decode(errors="replace")


def read_at_most(answer: httpx.Response, limit: int) -> bytes | None:
    """Return the body of an answer that is being read; None when it is larger."""
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def refusal(status: int, body: bytes) -> RefusedError:
    """Return the error that an answer is, with its own sentence: a problem's detail or a Kubernetes Status' message."""
    if 300 <= status < 400:
        detail = f"The gateway answered with a redirect ({status}), which sx does not follow with your token."
        return RefusedError(detail, status=status, code="")
    try:
        document = json.loads(body)
        detail, code = document.get("detail") or document["message"], document.get("code")
        by_cluster = document.get("kind") == "Status"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        detail, code, by_cluster = f"The gateway answered with status {status}.", "", False
    return RefusedError(str(detail), status=status, code=str(code or ""), by_cluster=by_cluster)


def _of_whole(answer: httpx.Response) -> httpx.Headers:
    """Return the headers without those that say how the body came: it is decoded."""
    return httpx.Headers(
        [
            (name, value)
            for name, value in answer.headers.multi_items()
            if name.lower() not in {"content-encoding", "transfer-encoding", "content-length"}
        ]
    )
