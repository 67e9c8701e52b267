"""One look at a namespace's Events tells of all that waits there."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import cast

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.warnings import (
    EVENTS_AFTER,
    FORGOTTEN_AFTER,
    MOST_CHARACTERS,
    MOST_PAGES,
    READ_AGAIN_AFTER,
    Warnings,
)
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.kube.pages import ListPage
from serviceexecution.resources.executions.execution import ObjectMeta

MADE = datetime(2026, 1, 1, tzinfo=UTC)
READY = MADE + timedelta(seconds=EVENTS_AFTER)


def about(uid: str, namespace: str = "tenant") -> ObjectMeta:
    return ObjectMeta(name=f"pod-{uid}", namespace=namespace, uid=uid, creation_timestamp=MADE)


def event(uid: str, message: str, seconds: int = 0) -> JsonObject:
    when = (MADE + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"involvedObject": {"uid": uid}, "message": message, "lastTimestamp": when}


class EventsOfNamespaces:
    """The one method of the client that is used; counts the looks and the pages."""

    def __init__(self, *pages: list[JsonObject]) -> None:
        self.pages = pages
        self.looks: list[str | None] = []
        self.given = 0

    async def list_pages(
        self, _: ResourceKind, namespace: str | None, *, field_selector: str
    ) -> AsyncGenerator[ListPage, None]:
        assert field_selector == "type=Warning"
        self.looks.append(namespace)
        for page in self.pages:
            self.given += 1
            yield ListPage(page, "1")


def warnings_of(events: EventsOfNamespaces) -> Warnings:
    return Warnings(cast("KubernetesClient", events))


async def test_a_thousand_waiting_pods_of_a_namespace_share_one_look():
    events = EventsOfNamespaces([event(str(number), f"of {number}") for number in range(1000)])
    warnings = warnings_of(events)
    for number in range(1000):
        await warnings.newest(about(str(number)), READY)
    assert events.looks == ["tenant"]
    again = READY + timedelta(seconds=READ_AGAIN_AFTER)
    found = [await warnings.newest(about(str(number)), again) for number in range(1000)]
    assert found == [f"of {number}" for number in range(1000)]
    assert len(events.looks) == 2


async def test_the_newest_warning_counts_and_other_objects_are_not_kept():
    events = EventsOfNamespaces(
        [event("a", "second", 2), event("b", "of another", 9)], [event("a", "first", 1)]
    )
    warnings = warnings_of(events)
    assert await warnings.newest(about("a"), READY) == "second"
    assert await warnings.newest(about("c"), READY) == ""


async def test_it_is_too_early_to_look_for_what_was_just_made():
    events = EventsOfNamespaces([])
    assert await warnings_of(events).newest(about("a"), MADE) is None
    assert events.looks == []


async def test_who_writes_events_without_end_bounds_the_look_and_what_is_kept():
    events = EventsOfNamespaces(*[[event("a", "x" * 1_000_000)]] * (MOST_PAGES + 5))
    assert await warnings_of(events).newest(about("a"), READY) == "x" * MOST_CHARACTERS
    assert events.given == MOST_PAGES


async def test_namespaces_are_looked_at_on_their_own():
    events = EventsOfNamespaces([event("a", "said")])
    warnings = warnings_of(events)
    assert await warnings.newest(about("a", "one"), READY) == "said"
    assert await warnings.newest(about("a", "two"), READY) == "said"
    assert events.looks == ["one", "two"]


async def test_who_asks_while_a_look_is_under_way_does_not_begin_another():
    events = EventsOfNamespaces([event("a", "of a"), event("b", "of b")])
    warnings = warnings_of(events)
    await asyncio.gather(*(warnings.newest(about(uid), READY) for uid in "abab"))
    assert events.looks == ["tenant"]


async def test_what_nobody_asks_about_any_more_is_forgotten():
    events = EventsOfNamespaces([event("a", "of a")])
    warnings = warnings_of(events)
    await warnings.newest(about("a"), READY)
    later = READY + timedelta(seconds=FORGOTTEN_AFTER + 1)
    await warnings.newest(about("b", "other"), later)
    assert list(warnings._namespaces) == ["other"]


async def test_a_clock_that_was_set_back_does_not_put_off_the_next_look():
    events = EventsOfNamespaces([event("a", "of a")])
    warnings = warnings_of(events)
    await warnings.newest(about("a"), READY + timedelta(hours=1))
    assert await warnings.newest(about("a"), READY) == "of a"
    assert len(events.looks) == 2
