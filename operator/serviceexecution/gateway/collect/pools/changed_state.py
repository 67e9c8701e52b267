"""Reads what a program has changed in a data pool: a line for each file, and the number of lines at the end. Pure.

A file that is new or changed is an array of name, bytes and SHA-256; one that was deleted is an array of its name.
"""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final, NamedTuple

from serviceexecution.gateway.data_pools.names import LONGEST_NAME, checked_name
from serviceexecution.gateway.http.problems import Problem

LONGEST_LINE: Final = 6 * LONGEST_NAME + 256
"""Each byte of a name takes six where it is escaped."""
_SHA256: Final = re.compile("[0-9a-f]{64}")
_MOST_BYTES: Final = 2**63 - 1


class ChangedFile(NamedTuple):
    """A file as the program has left it; without a digest it was deleted."""

    name: str
    size: int = 0
    sha256: str = ""


class ChangeReader:
    """Takes the text as it comes; ``end`` gives the changes by name. All methods raise Problem 400 or 413."""

    def __init__(self, most_files: int) -> None:
        self._most = most_files
        self._rest = b""
        self._found: dict[str, ChangedFile] = {}

    def feed(self, data: bytes) -> Iterator[None]:
        """Take what came, line by line: a caller may let others work in between."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)
            yield
        if len(self._rest) > LONGEST_LINE:
            raise _invalid("a line is too long")

    def end(self) -> dict[str, ChangedFile]:
        """Return the changes when the text has come to its end."""
        if self._rest != str(len(self._found)).encode():
            raise _invalid("the text is cut off")
        return self._found

    def _take(self, line: bytes) -> None:
        if len(line) > LONGEST_LINE:
            raise _invalid("a line is too long")
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise _invalid("a line is no JSON") from None
        file = _file_of(value)
        if file.name in self._found:
            raise _invalid("a file is listed twice")
        if len(self._found) >= self._most:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "TooManyFiles",
                f"The program has changed more than {self._most:,} files of the data pool.",
            )
        self._found[file.name] = file


def _file_of(value: object) -> ChangedFile:
    if not isinstance(value, list) or not value or not isinstance(value[0], str):
        raise _invalid("a line is no array that begins with a name")
    name = checked_name(value[0])
    if len(value) == 1:
        return ChangedFile(name)
    if len(value) != 3 or isinstance(value[1], bool) or not isinstance(value[1], int):
        raise _invalid("a line is no array of name, bytes and SHA-256")
    if not 0 <= value[1] <= _MOST_BYTES:
        raise _invalid("a size is none")
    if not isinstance(value[2], str) or not _SHA256.fullmatch(value[2]):
        raise _invalid("a digest is none")
    return ChangedFile(name, value[1], value[2])


def _invalid(what: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "BadRequest", f"The changes of the data pool: {what}.")
