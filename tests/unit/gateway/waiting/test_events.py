"""Executions as Server-Sent Events: what comes, how a cut stream goes on, and when it ends."""

import asyncio
from typing import Any

import pytest

from serviceexecution.gateway.access import callers
from serviceexecution.gateway.logs import streams
from serviceexecution.gateway.waiting import events
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import Service, is_problem
from tests.unit.gateway.waiting.stream import Stream, service

__all__ = ["service"]

ALL = f"/platform/{NAMESPACE}/service-executions"


async def change(service, name, phase, **status):
    body = {"status": {"phase": phase, **status}}
    await service.cluster.patch(SERVICE_EXECUTIONS, NAMESPACE, name, body, subresource="status")


async def known(service, name):
    """Wait until the watch has told what is in the cluster."""
    version = int(service.executions()[name]["metadata"]["resourceVersion"])
    async with asyncio.timeout(5):
        while service.state.changes.version(NAMESPACE) < version:  # noqa: ASYNC110 - a watch tells nobody
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("url", ["/services/team-a/sum/{}/events", ALL + "/{}/events"])
async def test_an_execution_is_followed_to_its_end(service, url):
    name = await service.started()
    stream = Stream(service, url.format(name))
    kind, _, data = await stream.next()
    assert (kind, data["id"], data["status"]) == ("execution", name, "PENDING")
    await change(service, name, "Running", startTime="2026-11-28T10:00:00Z")
    assert (await stream.next())[2]["status"] == "RUNNING"
    await change(service, name, "Succeeded")
    assert (await stream.next())[2]["status"] == "SUCCEEDED"
    assert (await stream.next())[0] == "end"
    assert await stream.next() is None


async def test_a_cut_stream_goes_on_behind_the_last_event(service):
    name = await service.started()
    await known(service, name)
    stream = Stream(service, f"{service.base}/{name}/events")
    _, last, _ = await stream.next()
    await stream.leave()
    again = Stream(service, f"{service.base}/{name}/events", last)
    await change(service, name, "Succeeded")
    assert (await again.next())[2]["status"] == "SUCCEEDED"


async def test_of_an_execution_that_changes_often_only_the_newest_status_is_sent(service, monkeypatch):
    """Else somebody who changes it many times a second has each of many streams make its document each time."""
    monkeypatch.setattr(events, "PAUSE_SECONDS", 0.5)
    name = await service.started()
    stream = Stream(service, f"{service.base}/{name}/events")
    await stream.next()
    for attempt in range(30):
        await change(service, name, "Running", attempts=attempt)
    await change(service, name, "Succeeded")
    sent = 0
    while (event := await stream.next()) is not None and event[0] != "end":
        sent += 1
    assert 1 <= sent <= 5


async def test_a_deleted_execution_ends_its_stream(service):
    name = await service.started()
    await known(service, name)
    stream = Stream(service, f"{service.base}/{name}/events")
    await stream.next()
    await service.cluster.delete(SERVICE_EXECUTIONS, NAMESPACE, name)
    assert (await stream.next())[::2] == ("removed", {"id": name})
    assert await stream.next() is None


async def test_a_list_tells_of_each_change_of_its_service(service):
    service.cluster.define("other")
    stream, everything = Stream(service, f"{service.base}/events"), Stream(service, f"{ALL}/events")
    assert (await stream.next())[0] == (await everything.next())[0] == "open"
    name = await service.started()
    assert (await stream.next())[2]["id"] == name
    assert (await everything.next())[2]["id"] == name
    await known(service, name)
    await service.cluster.delete(SERVICE_EXECUTIONS, NAMESPACE, name)
    assert (await stream.next())[::2] == ("removed", {"id": name})
    answer = await service.http.post(f"/services/{NAMESPACE}/other", json={})
    kinds = [(await everything.next())[::2] for _ in range(2)]
    assert kinds[0] == ("removed", {"id": name})
    assert kinds[1][1]["id"] == answer.json()["id"]
    await stream.leave()


async def test_a_cut_list_hears_of_what_it_has_missed(service):
    first, second = await service.started(), await service.started()
    await known(service, second)
    stream = Stream(service, f"{service.base}/events")
    _, last, _ = await stream.next()
    await stream.leave()
    await change(service, first, "Running", startTime="2026-11-28T10:00:00Z")
    await service.cluster.delete(SERVICE_EXECUTIONS, NAMESPACE, second)
    await known(service, first)
    again = Stream(service, f"{service.base}/events", last)
    found = {(await again.next())[0] for _ in range(2)}
    assert found == {"execution", "removed"}


@pytest.mark.parametrize("last", ["1-2", "-1", "x" * 300, "0"])
async def test_a_list_that_cannot_go_on_says_so(service, last):
    name = await service.started()
    await known(service, name)
    service.state.changes._since = 10**6  # What was before is not known any more
    kind, identifier, _ = await Stream(service, f"{service.base}/events", last).next()
    assert (kind, identifier) == ("reset", str(service.state.changes.version(NAMESPACE)))


async def test_a_client_that_reads_slowly_is_told_to_begin_anew(service, monkeypatch):
    monkeypatch.setattr(events, "MOST_PENDING", 2)
    monkeypatch.setattr(events, "PAUSE_SECONDS", 0.3)
    stream = Stream(service, f"{service.base}/events")
    await stream.next()
    for _ in range(4):
        await service.started()
    found = [(await stream.next())[0] for _ in range(3)]
    assert found == ["execution", "execution", "reset"]


async def test_a_stream_without_events_is_kept_open_and_ends_with_the_right(tmp_path, monkeypatch):
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(events, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(streams, "AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(callers, "ACCESS_SECONDS", 0)
    service = Service(tmp_path)
    name = await service.started()
    for url in (f"{service.base}/{name}/events", f"{service.base}/events"):
        service.cluster.allowed = lambda question: True
        asked = asyncio.create_task(service.http.get(url))
        await asyncio.sleep(0.15)
        assert not asked.done()
        service.cluster.allowed = lambda question: False
        answer = await asyncio.wait_for(asked, 10)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert ": still there" in answer.text
        assert "event: end" not in answer.text
    await service.schemas.close()


async def test_without_the_right_or_the_execution_there_is_no_stream(service):
    assert is_problem(await service.get(f"/{'0' * 8}-0000-4000-8000-{'0' * 12}/events"), 404)
    service.cluster.allowed = lambda question: False
    for url in (f"{service.base}/events", f"{ALL}/events"):
        assert is_problem(await service.http.get(url), 403)


async def test_nothing_listens_behind_a_stream_that_was_left(service):
    stream = Stream(service, f"{service.base}/events")
    await stream.next()
    await stream.leave()
    assert not service.state.changes._of_namespace


async def test_no_task_is_left_by_a_stream_that_ends_at_its_first_line(service):
    execution = service.state.known_execution(NAMESPACE, None, await service.started())
    before = asyncio.all_tasks()
    rest: dict[str, Any] = {"view": None, "last_id": "", "ending": asyncio.Event()}
    bodies: list[Any] = [
        events.execution_events(service.state, execution, **rest),
        events.list_events(service.state, NAMESPACE, None, **rest),
    ]
    for body in bodies:
        assert (await anext(body)).startswith(b":")
        await body.aclose()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
