"""Watches."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from serviceexecution.kube.errors import GoneError
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    EVENTS,
    LEASES,
)
from tests.support.api_server.conformance.checks import Client, check, config_map, meta

_WATCHES: Final = 10


@check
async def a_watch_tells_what_happened_after_its_version(client: Client, namespace: str) -> None:
    mine = {"mine": "yes"}
    await client.create(CONFIG_MAPS, namespace, config_map("before", labels=mine))
    listed = await client.list(CONFIG_MAPS, namespace, label_selector="mine")
    await client.create(CONFIG_MAPS, namespace, config_map("a", labels=mine))
    await client.create(CONFIG_MAPS, namespace, config_map("other"))
    events = client.watch(
        CONFIG_MAPS,
        namespace,
        resource_version=listed.resource_version,
        label_selector="mine",
        timeout_seconds=30,
    )
    seen: list[tuple[str, str]] = []
    versions = [int(listed.resource_version)]
    steps: dict[tuple[str, str], Callable[[], Awaitable[object]]] = {
        ("ADDED", "a"): lambda: client.patch(CONFIG_MAPS, namespace, "a", {"data": {"x": "1"}}),
        ("MODIFIED", "a"): lambda: client.delete(CONFIG_MAPS, namespace, "a"),
        ("DELETED", "a"): lambda: client.patch(
            CONFIG_MAPS, namespace, "before", {"metadata": {"labels": {"mine": None}}}
        ),
    }
    async with contextlib.aclosing(events):
        async for event in events:
            if event.type == "BOOKMARK":
                continue
            seen.append((event.type, meta(event.object)["name"]))
            versions.append(int(meta(event.object)["resourceVersion"]))
            if seen[-1] not in steps:
                break
            await steps[seen[-1]]()
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a"), ("DELETED", "before")]
    assert versions == sorted(set(versions)), "each event is newer than the one before"


@check
async def a_watch_without_a_version_begins_with_what_exists(client: Client, namespace: str) -> None:
    for name in "ab":
        await client.create(CONFIG_MAPS, namespace, config_map(name, labels={"mine": "yes"}))
    events = client.watch(CONFIG_MAPS, namespace, label_selector="mine", timeout_seconds=30)
    seen: set[tuple[str, str]] = set()
    async with contextlib.aclosing(events):
        async for event in events:
            seen.add((event.type, meta(event.object)["name"]))
            if len(seen) == 2:
                break
    assert seen == {("ADDED", "a"), ("ADDED", "b")}


@check
async def a_watch_says_how_far_it_is_before_its_end(client: Client, namespace: str) -> None:
    """A real one does its best and promises no single bookmark: a busy server is given several watches."""
    stored = await client.create(CONFIG_MAPS, namespace, config_map("a", labels={"mine": "yes"}))
    version = meta(stored)["resourceVersion"]
    for _ in range(_WATCHES):
        events = client.watch(
            CONFIG_MAPS, namespace, resource_version=version, label_selector="mine", timeout_seconds=6
        )
        async with contextlib.aclosing(events):
            first = await anext(events, None)
        if first is not None:
            assert first.type == "BOOKMARK"
            assert int(meta(first.object)["resourceVersion"]) >= int(version)
            return
    pytest.fail(f"no bookmark in {_WATCHES} watches")


@check
async def a_watch_ends_when_its_time_is_over(client: Client, namespace: str) -> None:
    listed = await client.list(CONFIG_MAPS, namespace, label_selector="mine")
    events = client.watch(
        CONFIG_MAPS,
        namespace,
        resource_version=listed.resource_version,
        label_selector="mine",
        timeout_seconds=1,
    )
    assert [event async for event in events] == []


@check
async def a_watch_from_too_old_a_version_is_gone(client: Client, namespace: str) -> None:
    for kind in (CONFIG_MAPS, LEASES, EVENTS):
        try:
            async for _ in client.watch(kind, namespace, resource_version="1", timeout_seconds=1):
                pass
        except GoneError as error:
            assert error.status == 410  # noqa: PT017 - which of the kinds raises depends on the cluster
            return
    pytest.skip("a cluster so young that its API server still remembers everything")
