"""The calls to the gateway, repeated until they succeed, are refused for good, or time is up."""

from __future__ import annotations

import hashlib
import json
import os
import time

from .http_client import STALL_SECONDS, HttpClient, Response
from .log import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from .settings import Settings

CHUNK_BYTES: Final = 256 * 1024
COMMIT_SECONDS: Final = 1800.0
"""A commit may have to read back what another replica stored."""

_FIRST_DELAY: Final = 0.2
_LONGEST_DELAY: Final = 15.0
_LONGEST_RETRY_AFTER: Final = 60.0
_TOKEN_SECONDS: Final = 60.0
_SAFE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
_REFUSALS: Final = frozenset({400, 413, 414, 422, 431})
_CLOSED: Final = frozenset({"AlreadyCommitted", "Superseded"})
_UNAVAILABLE: Final = frozenset({"DataPoolDamaged", "DataPoolReadOnly", "NoSuchDataPool"})


class GaveUpError(Exception):
    """Time is up, or the gateway refuses for good."""


class AlreadyCommittedError(Exception):
    """The output is committed; there is nothing left to do."""


class GoneError(Exception):
    """The execution was deleted; nobody waits for its output."""


class UnavailableError(Exception):
    """A data pool cannot be had, and asking again will not help; the message says why in a sentence."""


class NotSucceededError(Exception):
    """The program has not succeeded: what it has changed in data pools is not kept."""


class RefusedError(Exception):
    """The gateway does not take this file; the message says why."""

    def __init__(self, status: int, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


class ChangedError(Exception):
    """The file became shorter while it was sent."""


class MismatchError(Exception):
    """The gateway has something else stored for ``path`` than the commit lists."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class GatewayClient:
    """Calls to one gateway. ``deadline`` is the monotonic time at which repeating ends."""

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self.http = HttpClient(settings.gateway_url, settings.ca_file)
        self._token_file = settings.token_file
        self._token = ""
        self._token_time = 0.0
        self._sleep = sleep
        self._buffer = bytearray(CHUNK_BYTES)
        self.deadline = float("inf")

    def put_file(self, path: str, descriptor: int, size: int) -> bytes:
        """Upload the first ``size`` bytes of an open file; returns their SHA-256.

        Raises RefusedError, ChangedError, AlreadyCommittedError, GaveUpError, and OSError with ``filename``
        set to the path when the file cannot be read. GoneError may come from every call.
        """
        return self.put_to("/collect/v1/files/" + quote(path), path, descriptor, size)

    def put_to(self, target: str, path: str, descriptor: int, size: int) -> bytes:
        """As ``put_file``, to where ``target`` says; ``path`` names the file in errors."""

        def attempt() -> tuple[Response, bytes]:
            digest = hashlib.sha256()
            os.lseek(descriptor, 0, os.SEEK_SET)
            body = self._read(path, descriptor, size, digest.update)
            response = self.http.request("PUT", target, self.headers(), body, length=size)
            return response, digest.digest()

        while True:
            response, digest = self.until_answered(attempt)
            if response.status in _REFUSALS:
                code, detail = problem_of(response)
                raise RefusedError(response.status, detail, code)
            if json_of(response.body).get("sha256") == digest.hex():
                return digest
            log("the gateway received something else", path=path)
            self._pause(_FIRST_DELAY, "digests differ")

    def delete_file(self, path: str) -> None:
        """Delete an uploaded file. Raises as ``put_file``."""
        target = "/collect/v1/files/" + quote(path)
        self.until_answered(lambda: (self.http.request("DELETE", target, self.headers()), b""))

    def commit(self, body: Callable[[], Iterator[bytes]]) -> None:
        """Commit the output; ``body`` gives the same text in pieces whenever it is called: as a whole it would take
        more memory than there is. Raises MismatchError, AlreadyCommittedError, GaveUpError."""
        headers = {"Content-Type": "application/json"}
        length = sum(len(piece) for piece in body())

        def attempt() -> tuple[Response, bytes]:
            response = self.http.request(
                "POST",
                "/collect/v1/commit",
                self.headers() | headers,
                body(),
                length=length,
                answer_seconds=COMMIT_SECONDS,
            )
            return response, b""

        response, _ = self.until_answered(attempt)
        if response.status in _REFUSALS:
            raise GaveUpError(f"the commit was refused: {problem_of(response)[1]}")

    def until_answered(self, attempt: Callable[[], tuple[Response, bytes]]) -> tuple[Response, bytes]:
        """Repeat until the answer is a success or a refusal for good."""
        delay = _FIRST_DELAY
        while True:
            wait = delay
            try:
                response, digest = attempt()
            except OSError as error:
                if error.filename is not None:
                    raise  # Of the file, not of the connection
                why = f"{type(error).__name__}: {error.strerror or error}"
            else:
                code, detail = problem_of(response) if response.status >= 400 else ("", "")
                if response.status < 300 or response.status in _REFUSALS:
                    return response, digest
                if response.status == 410:
                    raise GoneError(detail)
                if code in _UNAVAILABLE:
                    raise UnavailableError(detail)
                if code == "ProgramNotSucceeded":
                    raise NotSucceededError(detail)
                if response.status == 409 and code in _CLOSED:
                    raise AlreadyCommittedError(code)
                if response.status == 409 and code == "FileMismatch":
                    raise MismatchError(str(json_of(response.body).get("path")))
                if response.status in {401, 403}:
                    self._token_time = 0.0  # It rotates: read it again
                why = f"{response.status} {code} {detail}"
                text = response.headers.get("retry-after", "")
                if text.isdecimal():
                    wait = max(wait, min(float(text), _LONGEST_RETRY_AFTER))
            self._pause(wait, why)
            delay = min(delay * 2, _LONGEST_DELAY)

    def _pause(self, seconds: float, why: str) -> None:
        # Up to a quarter longer, so that many collectors do not come back at once
        seconds *= 1 + os.urandom(1)[0] / 1024
        if time.monotonic() + seconds >= self.deadline:
            raise GaveUpError(f"time is up; last: {why}")
        log("the gateway is asked again", seconds=round(seconds, 2), why=why)
        self._sleep(seconds)

    def headers(self) -> dict[str, str]:
        """Return the headers that say who calls."""
        now = time.monotonic()
        if not self._token or now - self._token_time > _TOKEN_SECONDS or self._token_time == 0.0:
            self._token = read_token(self._token_file)
            self._token_time = now
        return {"Authorization": f"Bearer {self._token}"}

    def _read(
        self, path: str, descriptor: int, size: int, update: Callable[[memoryview], None]
    ) -> Iterator[memoryview]:
        view = memoryview(self._buffer)
        rest = size
        while rest:
            try:
                count = os.readv(descriptor, [view[: min(rest, CHUNK_BYTES)]])
            except OSError as error:
                error.filename = path
                raise
            if count == 0:
                raise ChangedError(path)
            rest -= count
            update(view[:count])
            yield view[:count]


class StateQuery:
    """Asks the gateway for main's state without blocking: poll ``fileno()``, then ``finish``."""

    def __init__(self, settings: Settings) -> None:
        self._http = HttpClient(settings.gateway_url, settings.ca_file)
        self._token_file = settings.token_file
        self._expiry: float | None = None

    @property
    def active(self) -> bool:
        """Tell whether an answer is awaited."""
        return self._expiry is not None

    def fileno(self) -> int:
        """Return the descriptor to poll while active."""
        return self._http.fileno()

    def start(self, wait: int) -> None:
        """Ask; the answer comes at a change or after ``wait`` seconds. A failure shows in ``finish``."""
        self._expiry = time.monotonic() + wait + 15
        try:
            headers = {"Authorization": f"Bearer {read_token(self._token_file)}"}
            self._http.send("GET", f"/collect/v1/main?wait={wait}", headers)
        except OSError as error:
            self._fail(f"{type(error).__name__}: {error.strerror or error}")

    def cancel(self) -> None:
        """Give up what is awaited."""
        if self._expiry is not None:
            self._http.close()
            self._expiry = None

    def finish(self) -> str | None:
        """Return "waiting", "running", "terminated" or "gone", None when there is no proper answer."""
        self._expiry = None
        try:
            response = self._http.receive(STALL_SECONDS)
        except OSError as error:
            self._fail(str(error))
            return None
        if response.status == 410:
            return "gone"
        if response.status != 200:
            self._fail(f"{response.status} {problem_of(response)[1]}")
            return None
        state = json_of(response.body).get("state")
        return state if isinstance(state, str) else None

    def expired(self) -> bool:
        """Tell whether the answer is overdue, or could not be asked for; the query is then no longer active."""
        if self._expiry is not None and time.monotonic() > self._expiry:
            self._fail("no answer")
        return self._expiry is None

    def _fail(self, why: str) -> None:
        log("the gateway does not tell main's state", why=why)
        self._http.close()
        self._expiry = None


def quote(path: str) -> str:
    """Percent-encode a path for a URL, leaving "/" as it is."""
    return "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in path.encode())


def read_token(path: str) -> str:
    """Return the token; raises OSError without ``filename``, so that it counts as a failed call."""
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123 - pathlib costs memory
            return file.read().strip()
    except OSError as error:
        raise OSError(f"the token cannot be read: {error.strerror}") from error


def problem_of(response: Response) -> tuple[str, str]:
    """Return code and detail of an error."""
    body = json_of(response.body)
    return str(body.get("code", "")), str(body.get("detail", f"HTTP status {response.status}"))


def json_of(body: bytes) -> dict[str, object]:
    """Return the members of an answer, none when it is no JSON object."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
