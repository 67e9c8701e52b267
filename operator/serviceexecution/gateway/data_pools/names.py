"""Names of files in data pools. Pure."""

import unicodedata
from http import HTTPStatus
from typing import Final

from serviceexecution.gateway.http.problems import Problem

LONGEST_NAME: Final = 255
"""Bytes of a name in UTF-8: more no file system takes."""


def checked_name(name: str | None) -> str:
    """Return the name of a file; raises Problem 400 for what is none in every file system."""
    if not name:
        raise _invalid('The file has no name: send it as filename of its part, or as "?filename=…".')
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise _invalid("The file's name is not valid Unicode.") from None
    if size > LONGEST_NAME:
        raise _invalid(f"A file's name may have {LONGEST_NAME} bytes in UTF-8; this one has {size}.")
    if name in {".", ".."} or "/" in name:
        raise _invalid('Data pools have no folders: a file\'s name has no "/", and is neither "." nor "..".')
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        raise _invalid("A file's name has no control characters, such as line ends.")
    if "\N{REPLACEMENT CHARACTER}" in name:
        raise _invalid("The file's name is not in UTF-8.")
    return name


def _invalid(sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "InvalidFileName", sentence)
