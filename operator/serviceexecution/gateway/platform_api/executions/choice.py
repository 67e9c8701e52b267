"""Which of all known executions a list shows, and in which order. Pure: no request is made here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from serviceexecution.gateway.platform_api.executions.query import NEWEST_FIRST, Property, Sort, Wanted, fits
from serviceexecution.gateway.service_api.documents.execution_document import STATUSES
from serviceexecution.gateway.state.known_execution import KnownExecution

IdOf = Callable[[KnownExecution], str]
_Key = tuple[bool, str | datetime]
_NOTHING: Final[_Key] = (True, "")


def chosen(
    known: Sequence[KnownExecution], wanted: Wanted, service_uids: Mapping[str, str], id_of: IdOf
) -> list[KnownExecution]:
    """Return those that pass all filters, sorted.

    ``known`` are the oldest first, ``service_uids`` are those of the services by name. An execution whose tags are too
    long to be remembered passes the filter by tags: its tags must be fetched.
    """
    found = [
        one for one in reversed(known) if not wanted.filters or _passes(one, wanted, service_uids, id_of)
    ]
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


def _passes(execution: KnownExecution, wanted: Wanted, service_uids: Mapping[str, str], id_of: IdOf) -> bool:
    return (
        (wanted.after is None or execution.created >= wanted.after)
        and (wanted.before is None or execution.created <= wanted.before)
        and (wanted.application is None or execution.access_key == wanted.application)
        and (wanted.service is None or service_uid(execution, service_uids) == wanted.service)
        and (not wanted.tags or execution.cut or has_any_tag(execution, wanted.tags))
        and (not wanted.statuses or STATUSES[execution.phase] in wanted.statuses)
        and (not wanted.text or _holds(execution, wanted.text, id_of))
        and (not wanted.by_id or _has_id(id_of(execution), wanted))
    )


def _holds(execution: KnownExecution, text: str, id_of: IdOf) -> bool:
    """Tell whether the text is in what people see of the execution; what is too long to be remembered is not seen."""
    words = (id_of(execution), execution.name, execution.service, execution.reason, execution.message)
    return any(text in word.lower() for word in (*words, *execution.tags) if word)


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
