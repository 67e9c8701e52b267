"""Reads a commit's JSON text piece by piece: as a whole it would take hundreds of megabytes before it is checked."""

import codecs
import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import JsonValue, object_of
from serviceexecution.gateway.collect.commits import (
    MAX_REASON,
    MAX_SKIPPED_TEXT,
    Commit,
    CommittedFile,
    SkippedEntry,
    commit_too_large,
)
from serviceexecution.gateway.collect.pool_claims import pool_claims
from serviceexecution.gateway.collect.usage_claims import usage_claim
from serviceexecution.gateway.http.problems import Problem

_READ_AT_ONCE: Final = 32 * 1024
"""Bytes that are gathered before they are read: hostile senders send one at a time."""
_LONGEST_VALUE: Final = 160 * 1024
"""Characters of one value: a skipped file has 21,000, each six where it is escaped."""
_MOST_BYTES: Final = 2**63 - 1
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_SHA256: Final = re.compile("[0-9a-f]{64}")
_DECODER: Final = json.JSONDecoder()


class _Incomplete(Exception):  # noqa: N818 - no error: more must come
    pass


class CommitReader:
    """Takes the text as it comes; ``end`` gives the commit. All methods raise Problem 400 or 413, and
    InvalidOutputPathError."""

    def __init__(self) -> None:
        self._commit = Commit()
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._gathered = bytearray()
        self._text = ""
        self._at = 0
        self._ended = False
        self._step: Callable[[], None] = self._begin
        self._take: Callable[[JsonValue, str], None] = self._take_file
        self._list = ""
        self._number = 0

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._gathered += data
        if len(self._gathered) >= _READ_AT_ONCE:
            self._read()

    def end(self) -> Commit:
        """Return the commit when the text has come to its end."""
        self._ended = True
        self._read()
        if self._step != self._nothing:
            raise _invalid("body", "the text ends too early")
        return self._commit

    def _read(self) -> None:
        try:
            text = self._utf8.decode(self._gathered, final=self._ended)
        except UnicodeDecodeError:
            raise _invalid("body", "the text is not UTF-8") from None
        self._gathered.clear()
        self._text = self._text[self._at :] + text
        self._at = 0
        try:
            while self._ended or self._at < len(self._text):
                self._step()
        except _Incomplete:
            if self._ended and self._step != self._nothing:
                raise _invalid("body", "the text is no JSON object, or ends too early") from None
            if len(self._text) - self._at > _LONGEST_VALUE:
                raise _invalid(self._where(), "the value is no JSON, or too long") from None

    # The steps: each reads one thing, and says what comes next. -------------------------------------------

    def _begin(self) -> None:
        self._expect("{")
        self._step = self._first_name

    def _first_name(self) -> None:
        self._step = self._nothing if self._accept("}") else self._name

    def _name(self) -> None:
        at = self._at
        name = self._value()
        try:
            self._expect(":")
            self._peek()
        except _Incomplete:
            self._at = at  # Read again with what follows
            raise
        if not isinstance(name, str):
            raise _invalid("body", "a name is no text")
        self._list, self._number = name[:100], 0
        if name in {"files", "skipped"}:
            self._take = self._take_file if name == "files" else self._take_skipped
            self._expect("[")
            self._step = self._first
        else:
            self._step = self._member

    def _member(self) -> None:
        value = self._value()
        if self._list == "limitExceeded":
            if not isinstance(value, bool):
                raise _invalid(self._list, "it must be true or false")
            self._commit.limit_exceeded = value
        if self._list == "usage":
            self._commit.usage = usage_claim(value)
        if self._list == "dataPools":
            self._commit.pools = pool_claims(value)
        self._step = self._next_name

    def _next_name(self) -> None:
        if self._accept("}"):
            self._step = self._nothing
            return
        self._expect(",")
        self._step = self._name

    def _first(self) -> None:
        self._step = self._next_name if self._accept("]") else self._element

    def _element(self) -> None:
        self._take(self._value(), self._where())
        self._number += 1
        self._step = self._next_element

    def _next_element(self) -> None:
        if self._accept("]"):
            self._step = self._next_name
            return
        self._expect(",")
        self._step = self._element

    def _nothing(self) -> None:
        self._peek()
        raise _invalid("body", "something follows the text")

    # What the steps read with. ----------------------------------------------------------------------------

    def _peek(self) -> str:
        space = _SPACE.match(self._text, self._at)
        self._at = self._at if space is None else space.end()
        if self._at >= len(self._text):
            raise _Incomplete
        return self._text[self._at]

    def _accept(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise _invalid(self._where(), f"there should be a {sign}")

    def _value(self) -> JsonValue:
        self._peek()
        try:
            value: JsonValue
            value, end = _DECODER.raw_decode(self._text, self._at)
        except RecursionError:
            raise _invalid(self._where(), "it is nested too deeply") from None
        except ValueError:
            raise _Incomplete from None  # Or none that ever will be; the length tells
        if end == len(self._text) and not self._ended:
            raise _Incomplete  # A number may go on
        self._at = end
        return value

    def _where(self) -> str:
        return f"{self._list}.{self._number}" if self._list in {"files", "skipped"} else self._list or "body"

    # What is taken. ---------------------------------------------------------------------------------------

    def _take_file(self, value: JsonValue, where: str) -> None:
        members = object_of(value)
        path, size, sha256 = members.get("path"), members.get("size"), members.get("sha256")
        if not isinstance(path, str):
            raise _invalid(f"{where}.path", "it must be a text")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MOST_BYTES:
            raise _invalid(f"{where}.size", "it must be a number of bytes")
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise _invalid(f"{where}.sha256", "it must be 64 hexadecimal digits in lower case")
        self._commit.add(CommittedFile(path, size, bytes.fromhex(sha256)))

    def _take_skipped(self, value: JsonValue, where: str) -> None:
        members = object_of(value)
        path, reason = members.get("path"), members.get("reason")
        if not _is_text(path, MAX_SKIPPED_TEXT) or not isinstance(path, str):
            raise _invalid(f"{where}.path", f"it must be a text of at most {MAX_SKIPPED_TEXT:,} characters")
        if not _is_text(reason, MAX_REASON) or not isinstance(reason, str):
            raise _invalid(f"{where}.reason", f"it must be a text of at most {MAX_REASON:,} characters")
        self._commit.skip(SkippedEntry(path, reason))


def _is_text(value: JsonValue, longest: int) -> bool:
    if not isinstance(value, str) or len(value) > longest:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # Half of a pair: no UTF-8, and no store would take it
        return False
    return True


def too_long(limit: int) -> Problem:
    """Return the 413 of a body of more than ``limit`` bytes."""
    return commit_too_large(f"It has more than {limit:,} bytes.")


def _invalid(where: str, fault: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "BadRequest", f"{where}: {fault}")
