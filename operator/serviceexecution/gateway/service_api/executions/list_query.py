"""What the list of executions is asked for. Pure."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from starlette.datastructures import QueryParams

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.service_api.documents.execution_document import STATUSES

MOST_LISTED: Final = 1000
"""Most executions of one answer, and how many there are without ``limit``. The platform's clients know no pages: they
see the newest thousand."""
_LONGEST_CURSOR: Final = 1024
_MOST_TAGS: Final = 16
_WORDS: Final = tuple(dict.fromkeys(STATUSES.values()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for."""

    limit: int = MOST_LISTED
    before: tuple[datetime, str] | None = None
    """Where the page before ended."""
    statuses: frozenset[str] = frozenset()
    """Any of them; none means all."""
    tags: frozenset[str] = frozenset()
    """All of them."""


def wanted_of(query: QueryParams) -> Wanted:
    """Return what the query asks for; raises Problem 400. What it does not know it leaves alone, as all calls do."""
    limit = query.get("limit", str(MOST_LISTED))
    if not (limit.isascii() and limit.isdecimal() and len(limit) < 10 and int(limit) >= 1):
        raise _wrong("limit", "limit must be a whole number, 1 or more.")
    statuses = frozenset(word for given in query.getlist("status") for word in given.split(","))
    if not statuses <= set(_WORDS):
        raise _wrong("status", f"status must be one of {', '.join(_WORDS)}, or several with commas.")
    tags = frozenset(query.getlist("tag"))
    if len(tags) > _MOST_TAGS:
        raise _wrong("tag", f"tag may stand in a query {_MOST_TAGS} times.")
    return Wanted(min(int(limit), MOST_LISTED), _before(query.get("continue")), statuses, tags)


def cursor(end: tuple[datetime, str]) -> str:
    """Return what the next page is asked for by."""
    return base64.urlsafe_b64encode(f"{end[0].isoformat()} {end[1]}".encode()).decode().rstrip("=")


def _before(text: str | None) -> tuple[datetime, str] | None:
    if text is None:
        return None
    text = text[:_LONGEST_CURSOR]
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        time, _, name = decoded.partition(" ")
        found = datetime.fromisoformat(time)
    except (binascii.Error, ValueError):
        found, name = None, ""
    if found is None or found.tzinfo is None or not name:
        raise _wrong("continue", "continue must be what the link to the next page has.")
    return found, name


def _wrong(name: str, sentence: str) -> Problem:
    return Problem(
        HTTPStatus.BAD_REQUEST, "InvalidParameter", f"The parameter {sentence}", members={"path": name}
    )
