"""A way to the gateway: a base URL, an HTTP client, and who calls."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import httpx

from serviceexecution.cli.errors import CommandError

TRIES: Final = 8
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


class RefusedError(CommandError):
    """The gateway's answer is an error; ``status`` and ``code`` are those of its problem (RFC 9457)."""

    def __init__(self, detail: str, *, status: int, code: str) -> None:
        super().__init__(detail)
        self.status = status
        self.problem_code = code

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
                    answer.read()
                    return answer
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
                if answer.is_error:
                    answer.read()
                    raise refusal(answer)
                yield answer
                return

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


def refusal(answer: httpx.Response) -> RefusedError:
    """Return the error that an answer is, with its own sentence: a problem's detail or a Kubernetes Status' message."""
    try:
        document = answer.json()
        detail, code = document.get("detail") or document["message"], document.get("code")
    except (ValueError, KeyError, TypeError, AttributeError):
        detail, code = f"The gateway answered with status {answer.status_code}.", ""
    return RefusedError(str(detail), status=answer.status_code, code=str(code or ""))
