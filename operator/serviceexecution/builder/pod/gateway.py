"""The calls to the gateway, repeated for a while when it is away or being replaced."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from serviceexecution.builder.failures.errors import BuildError, Reason
from serviceexecution.builder.pod.output import Output, size_text

PATIENCE_SECONDS: Final = 120.0
"""How long a call is repeated."""
REPORT_PATIENCE_SECONDS: Final = 900.0
"""How long that of the report is: the whole build has been for it."""
_STALL_SECONDS: Final = 30.0
_FIRST_DELAY: Final = 0.25
_LONGEST_DELAY: Final = 10.0
_PIECE: Final = 256 * 1024
_LONGEST_ANSWER: Final = 4 * 1024 * 1024
# 401 and 403: the token rotates, and a gateway may not have seen the pod yet
_REPEATED: Final = frozenset({401, 403, 408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of an answer; the body is empty when it went into a file."""

    status: int
    body: bytes

    @property
    def detail(self) -> str:
        """Return what a problem (RFC 9457) says, or the status."""
        try:
            value: object = json.loads(self.body)
        except ValueError:
            value = None
        detail = value.get("detail") if isinstance(value, dict) else None
        return detail if isinstance(detail, str) and detail else f"HTTP status {self.status}"


class GoneError(Exception):
    """The definition or the build's Job is gone: nobody waits for the build."""


class Gateway:
    """Calls to one gateway. Every method may raise GoneError."""

    def __init__(
        self,
        url: str,
        token_file: Path,
        output: Output,
        *,
        ca_file: str | None = None,
        patience: float = PATIENCE_SECONDS,
        report_patience: float = REPORT_PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = urlsplit(url)
        self._token_file = token_file
        self._output = output
        self._ca_file = ca_file
        self._patience = patience
        self._report_patience = report_patience
        self._sleep = sleep

    def fetch_source(self, target: Path, digest: str, limit: int) -> int:
        """Write the archive with that SHA-256 to ``target`` and return its size in bytes.

        Raises BuildError: SourceMissing, SourceTooLarge, SourceInvalid, BuilderFailed.
        """
        answer = self._call("GET", "/build/v1/source", lambda response: _save(response, target, limit))
        if answer.status == 404:
            raise BuildError(
                Reason.SOURCE_MISSING, f"The gateway has no archive sha256:{digest}: upload it again."
            )
        if answer.status != 200:
            raise BuildError(Reason.BUILDER_FAILED, f"The gateway does not give the source: {answer.detail}.")
        with target.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            raise BuildError(
                Reason.SOURCE_INVALID,
                f"The archive is not the one that was requested: it has sha256:{found}.",
            )
        return target.stat().st_size

    def fetch_ca_bundle(self) -> bytes:
        """Return the installation's certificates as PEM text, empty where it has none; raises BuildError."""
        answer = self._call("GET", "/build/v1/ca-bundle")
        if answer.status == 200:
            return answer.body
        if answer.status in {204, 404}:
            return b""
        raise BuildError(
            Reason.BUILDER_FAILED, f"The gateway does not give its certificates: {answer.detail}."
        )

    def put_report(self, report: bytes) -> None:
        """Hand over the report; raises BuildError when the gateway does not take it."""
        answer = self._call("PUT", "/build/v1/report", body=report, patience=self._report_patience)
        if answer.status >= 300 and answer.status != 409:  # 409: it has one of this Job
            raise BuildError(
                Reason.BUILDER_FAILED, f"The gateway does not accept the report: {answer.detail}."
            )

    def _call(
        self,
        method: str,
        path: str,
        receive: Callable[[http.client.HTTPResponse], bytes] | None = None,
        body: bytes | None = None,
        patience: float | None = None,
    ) -> Answer:
        end = time.monotonic() + (self._patience if patience is None else patience)
        delay = _FIRST_DELAY
        while True:
            try:
                answer = self._attempt(method, path, receive, body)
            except (OSError, http.client.HTTPException) as error:
                why = f"{type(error).__name__}: {error}"
            else:
                if answer.status == 410:
                    raise GoneError(answer.detail)
                if answer.status < 500 and answer.status not in _REPEATED:
                    return answer
                why = f"{answer.status} {answer.detail}"
            if time.monotonic() + delay > end:
                raise BuildError(Reason.BUILDER_FAILED, f"The gateway cannot be reached: {why[:300]}.")
            self._output.phase("gateway", f"trying again in {delay:.1f} s ({why[:300]})")
            # Up to a quarter longer, so that many builds do not come back at once
            self._sleep(delay * (1 + os.urandom(1)[0] / 1024))
            delay = min(delay * 2, _LONGEST_DELAY)

    def _attempt(
        self,
        method: str,
        path: str,
        receive: Callable[[http.client.HTTPResponse], bytes] | None,
        body: bytes | None,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self._token_file.read_text('ascii').strip()}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, self._url.path.rstrip("/") + path, body, headers)
            response = connection.getresponse()
            if response.status == 200 and receive is not None:
                return Answer(200, receive(response))
            answer = response.read(_LONGEST_ANSWER + 1)
            if len(answer) > _LONGEST_ANSWER:
                raise http.client.HTTPException("the answer is too long")
            return Answer(response.status, answer)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            context = ssl.create_default_context(cafile=self._ca_file)
            return http.client.HTTPSConnection(host, port, timeout=_STALL_SECONDS, context=context)
        return http.client.HTTPConnection(host, port, timeout=_STALL_SECONDS)


def _save(response: http.client.HTTPResponse, target: Path, limit: int) -> bytes:
    """Write a body to a file; a body that is cut short raises HTTPException."""
    size = 0
    with target.open("wb") as file:
        while piece := response.read(_PIECE):
            size += len(piece)
            if size > limit:
                raise BuildError(
                    Reason.SOURCE_TOO_LARGE,
                    f"The archive is larger than {size_text(limit)}: leave out what the build does not need.",
                )
            file.write(piece)
    if response.length:  # What Content-Length has announced and did not come
        raise http.client.IncompleteRead(b"", response.length)
    return b""
