"""One page of a list, made from what the watch has told, and the document that it is shown in."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.fairness.turns import NoTurnError
from serviceexecution.fairness.work import THREADS
from serviceexecution.gateway.http.problems import Problem, unavailable
from serviceexecution.gateway.platform_api.executions.choice import chosen, has_any_tag
from serviceexecution.gateway.platform_api.executions.query import NEWEST_FIRST, Wanted
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.service_state import ServiceState

FETCHED: Final = 100
"""Most executions of one answer whose tags are too long to be remembered: each is a request to the API server."""
_AT_ONCE: Final = 50
"""Executions that are shown without a pause for other requests."""
_FEW: Final = 2000
"""So many are looked through in some milliseconds; more in a thread."""
View = Callable[[KnownExecution], Awaitable[JsonObject]]


@dataclass(frozen=True, slots=True)
class Page:
    """The executions of a page, whole, and of how many it is a page."""

    executions: Sequence[KnownExecution]
    total: int


async def page_of(
    state: ServiceState, namespace: str, known: Sequence[KnownExecution], wanted: Wanted
) -> Page:
    """Return the page; ``known`` are the oldest first. Raises Problem 400, 503, KubernetesError."""
    if not wanted.filters and wanted.sorts == NEWEST_FIRST:
        end = max(0, len(known) - wanted.start)
        newest = list(reversed(known[max(0, end - wanted.size) : end]))
        return Page(await _whole(state, newest), len(known))
    uids = {one.metadata.name: one.metadata.uid for one in state.known_definitions(namespace)}
    if len(known) <= _FEW:
        found = chosen(known, wanted, uids, state.id_of)
    else:
        try:
            found = await THREADS.run(namespace, chosen, list(known), wanted, uids, state.id_of)
        except NoTurnError:
            raise unavailable("Busy", "Too many large lists at once; try again.") from None
    if wanted.tags and any(one.cut for one in found):
        whole = await _whole(state, found)
        found = [one for one in whole if has_any_tag(one, wanted.tags)]
    return Page(await _whole(state, found[wanted.start : wanted.start + wanted.size]), len(found))


async def _whole(state: ServiceState, executions: list[KnownExecution]) -> list[KnownExecution]:
    """Return the executions with all of their tags, without those that have been deleted meanwhile."""
    if sum(one.cut for one in executions) > FETCHED:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "TooManyLongTags",
            f"More than {FETCHED} of these executions have tags that are too long to be remembered; "
            "ask for a smaller page, or for fewer executions with createdAfter, createdBefore or serviceId.",
        )
    found = [await state.whole(one) if one.cut else one for one in executions]
    return [one for one in found if one is not None]


async def views(executions: Sequence[KnownExecution], view: View) -> list[JsonObject]:
    """Return the documents of executions; other requests are answered in between."""
    found = []
    for number, one in enumerate(executions):
        if number % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
        found.append(await view(one))
    return found


async def page_document(page: Page, wanted: Wanted, view: View) -> JsonObject:
    """Return the document with all the members that the client asks for."""
    content: list[JsonValue] = [*await views(page.executions, view)]
    pages = math.ceil(page.total / wanted.size)
    return {
        "content": content,
        "page": wanted.page,
        "size": wanted.size,
        "totalElements": page.total,
        "totalPages": pages,
        "number": wanted.page,
        "numberOfElements": len(content),
        "first": wanted.page == 0,
        "last": wanted.page >= pages - 1,
        "empty": not content,
        "sort": [
            {"property": sort.property, "direction": "DESC" if sort.descending else "ASC"}
            for sort in wanted.sorts
        ],
    }
