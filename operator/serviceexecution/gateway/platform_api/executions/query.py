"""What a list of executions or jobs is asked for, as the platform's client writes it. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Literal

from starlette.datastructures import QueryParams

from serviceexecution.gateway.http.problems import Problem
from serviceexecution.gateway.service_api.documents.execution_document import STATUSES

PAGE_SIZE: Final = 20
MOST_LISTED: Final = 1000
"""Most executions of one page."""
MOST_TAGS: Final = 64
MOST_IDS: Final = 1000
MOST_PATTERNS: Final = 10
"""Ids with a ``*``: each is compared with every execution, where all others together are looked up once."""
_MOST_SORTS: Final = 6
MOST_STATUSES: Final = 6
_LONGEST: Final = 256
Property = Literal["createdAt", "startedAt", "endedAt", "status", "serviceId", "applicationId"]
PROPERTIES: Final[tuple[Property, ...]] = (
    "createdAt",
    "startedAt",
    "endedAt",
    "status",
    "serviceId",
    "applicationId",
)


@dataclass(frozen=True, slots=True)
class Sort:
    """One criterion."""

    property: Property
    descending: bool


NEWEST_FIRST: Final = (Sort("createdAt", descending=True),)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for; filters that are not given let all pass."""

    page: int = 0
    size: int = PAGE_SIZE
    sorts: tuple[Sort, ...] = NEWEST_FIRST
    """The first counts most."""
    after: datetime | None = None
    before: datetime | None = None
    application: str | None = None
    service: str | None = None
    """The service's uid."""
    tags: frozenset[str] = frozenset()
    """Any of them, in lower case."""
    statuses: frozenset[str] = frozenset()
    text: str = ""
    """What id, service, reason, message or a tag holds, in lower case."""
    ids: frozenset[str] = frozenset()
    patterns: tuple[tuple[str, ...], ...] = ()
    """Ids with wildcards, as the parts between them."""

    @property
    def filters(self) -> bool:
        """Tell whether some may not pass."""
        by_value = (
            self.after,
            self.before,
            self.application,
            self.service,
            self.tags,
            self.statuses,
            self.text,
        )
        return any((*by_value, *self.by_id))

    @property
    def by_id(self) -> tuple[object, ...]:
        """Return what ids are compared with; empty when all pass."""
        return (*self.ids, *self.patterns)

    @property
    def start(self) -> int:
        """Return how many come before the page."""
        return self.page * self.size


def wanted_of(query: QueryParams) -> Wanted:
    """Return what the query asks for; raises Problem 400. What it does not know it leaves alone, as all calls do."""
    ids = [text.lower() for text in query.getlist("ids") if text]
    patterns = [tuple(text.split("*")) for text in ids if "*" in text]
    tags = query.getlist("tags")
    if len(ids) > MOST_IDS or len(patterns) > MOST_PATTERNS or any(len(text) > _LONGEST for text in ids):
        raise _wrong(
            "ids",
            f"ids may stand in a query {MOST_IDS} times, {MOST_PATTERNS} times with a *, and have {_LONGEST} characters"
            " each.",
        )
    if len(tags) > MOST_TAGS:
        raise _wrong("tags", f"tags may stand in a query {MOST_TAGS} times.")
    text = query.get("text", "").strip().lower()
    if len(text) > _LONGEST:
        raise _wrong("text", f"text may have {_LONGEST} characters.")
    return Wanted(
        page=_number(query, "page", 0, least=0, most=10**9),
        size=_number(query, "size", PAGE_SIZE, least=1, most=MOST_LISTED),
        sorts=_sorts(query.getlist("sort")),
        after=_time(query, "createdAfter"),
        before=_time(query, "createdBefore"),
        application=query.get("applicationId") or None,
        service=query.get("serviceId") or None,
        tags=frozenset(tag.lower() for tag in tags),
        statuses=_statuses(query.getlist("status")),
        text=text,
        ids=frozenset(one for one in ids if "*" not in one),
        patterns=tuple(patterns),
    )


def _statuses(given: list[str]) -> frozenset[str]:
    found = [word.strip().upper() for text in given[:MOST_STATUSES] for word in text.split(",")]
    if len(given) > MOST_STATUSES or not {word for word in found if word} <= set(STATUSES.values()):
        raise _wrong(
            "status", f"status must be one or several of {', '.join(sorted(set(STATUSES.values())))}."
        )
    return frozenset(word for word in found if word)


def fits(text: str, parts: tuple[str, ...]) -> bool:
    """Tell whether a text is of a pattern, given as the parts between its wildcards, in one walk over the text."""
    first, *between, last = parts
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in between:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _number(query: QueryParams, name: str, default: int, *, least: int, most: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and least <= int(text) <= most):
        raise _wrong(name, f"{name} must be a whole number from {least} to {most}.")
    return int(text)


def _sorts(given: list[str]) -> tuple[Sort, ...]:
    found = [_sort(text) for text in given if text]
    if len(found) > _MOST_SORTS:
        raise _wrong("sort", f"sort may stand in a query {_MOST_SORTS} times.")
    return tuple(found) or NEWEST_FIRST


def _sort(text: str) -> Sort:
    name, comma, direction = (part.strip() for part in text.partition(","))
    known = next((one for one in PROPERTIES if one == name), None)
    if known is None or direction.lower() not in ({"asc", "desc"} if comma else {""}):
        raise _wrong(
            "sort", f"sort must be one of {', '.join(PROPERTIES)}, with ,asc or ,desc behind it or nothing."
        )
    return Sort(known, descending=direction.lower() == "desc")


def _time(query: QueryParams, name: str) -> datetime | None:
    text = query.get(name)
    if not text:
        return None
    try:
        if text.isascii() and text.isdecimal():
            return datetime.fromtimestamp(int(text[:20]) / 1000, UTC)
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise _wrong(
            name, f"{name} must be a time such as 2026-11-01T12:30:00Z, or milliseconds since 1970."
        ) from None


def _wrong(name: str, sentence: str) -> Problem:
    return Problem(
        HTTPStatus.BAD_REQUEST, "InvalidParameter", f"The parameter {sentence}", members={"path": name}
    )
