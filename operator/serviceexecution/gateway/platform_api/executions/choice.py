"""Which of all known executions a list shows, and in which order. Pure: no request is made here."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Final

from serviceexecution.gateway.platform_api.executions.query import NEWEST_FIRST, Property, Sort, Wanted, fits
from serviceexecution.gateway.service_api.documents.execution_document import STATUSES
from serviceexecution.gateway.state.known_execution import KnownExecution

IdOf = Callable[[KnownExecution], str]
_Key = tuple[bool, str | datetime]
_Passes = Callable[[KnownExecution], bool]
_CREATED: Final = attrgetter("created")
_NOTHING: Final[_Key] = (True, "")


def chosen(
    known: Sequence[KnownExecution], wanted: Wanted, service_uids: Mapping[str, str], id_of: IdOf
) -> list[KnownExecution]:
    """Return those that pass all filters, sorted.

    ``known`` are the oldest first, ``service_uids`` are those of the services by name. An execution whose tags are too
    long to be remembered passes the filter by tags: its tags must be fetched.
    """
    found = _of_time(known, wanted)[::-1]
    for passes in _filters(wanted, service_uids, id_of):
        found = [one for one in found if passes(one)]
    if wanted.sorts != NEWEST_FIRST:
        for sort in reversed(wanted.sorts):
            found.sort(key=lambda one, sort=sort: _key(one, sort, service_uids), reverse=sort.descending)  # type: ignore[misc]
    return found


def has_any_tag(execution: KnownExecution, tags: frozenset[str]) -> bool:
    """Tell whether the execution has one of the tags, whatever their case."""
    return any(tag.lower() in tags for tag in execution.tags)


def service_uid(execution: KnownExecution, service_uids: Mapping[str, str]) -> str | None:
    """Return the uid of the service that it has taken from, or that has its service's name now."""
    return execution.service_uid or service_uids.get(execution.service)


def _of_time(known: Sequence[KnownExecution], wanted: Wanted) -> list[KnownExecution]:
    """Return those that were made in the time that is asked for: a stretch of what is sorted by it."""
    start = 0 if wanted.after is None else bisect_left(known, wanted.after, key=_CREATED)
    end = len(known) if wanted.before is None else bisect_right(known, wanted.before, key=_CREATED)
    return list(known[start:end])


def _filters(wanted: Wanted, service_uids: Mapping[str, str], id_of: IdOf) -> Iterator[_Passes]:
    """Give the filters that are asked for, those that cost least first: the next ones see only what has passed.

    A hundred thousand executions share their services, reasons and tags: each such word is looked at once.
    """
    if wanted.application is not None:
        yield lambda one: one.access_key == wanted.application
    if wanted.service is not None:
        yield lambda one: service_uid(one, service_uids) == wanted.service
    if wanted.statuses:
        phases = tuple(phase for phase, status in STATUSES.items() if status in wanted.statuses)
        yield lambda one: one.phase in phases
    if wanted.tags:
        has_tag = cache(lambda tag: tag.lower() in wanted.tags)
        yield lambda one: one.cut or any(map(has_tag, one.tags))
    if wanted.by_id:
        yield lambda one: _is_asked_for(one.name, one.uid, wanted) and _has_id(id_of(one), wanted)
    if wanted.text:
        holds = cache(lambda word: wanted.text in word.lower())
        yield lambda one: _holds(one, wanted.text, holds, id_of)


def _holds(execution: KnownExecution, text: str, holds: Callable[[str], bool], id_of: IdOf) -> bool:
    """Tell whether the text is in what people see of the execution; what is too long to be remembered is not seen.

    Names and ids have no capitals.
    """
    return (
        text in execution.name
        or holds(execution.service)
        or (execution.reason is not None and holds(execution.reason))
        or any(map(holds, execution.tags))
        or (execution.message is not None and text in execution.message.lower())
        or (text in execution.uid and text in id_of(execution))
    )


def _is_asked_for(name: str, uid: str, wanted: Wanted) -> bool:
    """Tell whether name or uid, one of which is the id, are asked for."""
    return _has_id(name, wanted) or _has_id(uid, wanted)


def _has_id(api_id: str, wanted: Wanted) -> bool:
    return api_id in wanted.ids or any(fits(api_id, parts) for parts in wanted.patterns)


def _key(execution: KnownExecution, sort: Sort, service_uids: Mapping[str, str]) -> _Key:
    value = _value(execution, sort.property, service_uids)
    return _NOTHING if value is None else (False, value)


def _value(
    execution: KnownExecution, name: Property, service_uids: Mapping[str, str]
) -> str | datetime | None:
    match name:
        case "createdAt":
            return execution.created
        case "startedAt":
            return execution.start_time
        case "endedAt":
            return execution.completion_time
        case "status":
            return STATUSES[execution.phase]
        case "serviceId":
            return service_uid(execution, service_uids)
        case "applicationId":
            return execution.access_key
