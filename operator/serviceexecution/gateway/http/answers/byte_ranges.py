"""Conditional and partial requests, and names of downloads: the parts of RFC 9110 and 6266 that files need."""

import re
from typing import Final, Literal
from urllib.parse import quote

_RANGE: Final = re.compile(r"bytes[ \t]*=[ \t]*(\d*)[ \t]*-[ \t]*(\d*)", re.ASCII | re.IGNORECASE)
_DIGITS: Final = 19


def parse_range(header: str | None, size: int) -> tuple[int, int] | Literal["unsatisfiable"] | None:
    """Return start and end (exclusive) of the wanted bytes; None when the whole is to be sent.

    Several ranges, other units and malformed headers are ignored, as the RFC allows.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or (not match[1] and not match[2]) or max(len(match[1]), len(match[2])) > _DIGITS:
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        return (size - length, size) if length else "unsatisfiable"
    start = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < start:
        return None
    return (start, min(last + 1, size)) if start < size else "unsatisfiable"


def etag_is_refused(header: str | None, etag: str) -> bool:
    """Tell whether an If-Match header names only other entity tags (strong comparison)."""
    if header is None:
        return False
    candidates = {candidate.strip() for candidate in header.split(",")}
    return "*" not in candidates and etag not in candidates


def etag_matches(header: str | None, etag: str) -> bool:
    """Tell whether an If-None-Match header names this entity tag (weak comparison)."""
    if header is None:
        return False
    candidates = [candidate.strip() for candidate in header.split(",")]
    return "*" in candidates or etag in {candidate.removeprefix("W/") for candidate in candidates}


def content_disposition(path: str) -> str:
    """Return an attachment header for the last part of a path: an ASCII stand-in and the exact name."""
    name = path.rpartition("/")[2]
    ascii_name = re.sub(r'[^ -~]|["\\%]', "_", name)
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
