"""Executions that were tried again over the Service API: each attempt's log, and only the last one's result."""

import asyncio
from datetime import UTC, datetime

import pytest

from serviceexecution.gateway.logs import reader
from serviceexecution.store.records import LogRecord
from tests.unit.gateway.service_api.service_harness import _until, is_problem, service

__all__ = ["service"]

FIRST = b"2026-11-24T12:00:00Z first\n"
SECOND = b"2026-11-24T12:01:00Z second\n"


def ids(text):
    return [line[4:] for line in text.splitlines() if line.startswith("id: ")]


def record(attempt):
    return LogRecord(pod_uid="p", attempt=attempt, bytes=6, lines=1, committed_at=datetime.now(UTC))


@pytest.fixture
async def tried(service):
    """Return an execution whose second attempt runs; the first one left output, a printed result and a log."""
    ref = service.finish(await service.started(), "Running", attempts=2)
    await service.store.logs.of(ref, 1).write(1, FIRST)
    await service.store.logs.of(ref, 2).write(1, SECOND)
    await service.keep(ref, {"output.json": b'{"sum": "wrong"}', "more.txt": b"x"}, printed=b'{"sum": "odd"}')
    return ref


async def test_the_log_is_that_of_the_last_attempt_and_of_any_that_is_asked_for(service, tried):
    async def messages(query=""):
        return [entry["message"] for entry in (await service.get(f"/{tried.name}/log{query}")).json()]

    assert await messages() == ["second"]
    assert await messages("?attempt=1") == ["first"]
    assert await messages("?attempt=2") == ["second"]


@pytest.mark.parametrize("attempt", ["0", "3", "-1", "x", "", "1e0", "99999999999999999999", "²"])
async def test_an_attempt_that_was_not_made_is_not_found(service, tried, attempt):
    answer = await service.get(f"/{tried.name}/log", params={"attempt": attempt})
    assert is_problem(answer, 404, "AttemptNotFound")
    assert "1 to 2" in answer.json()["detail"]


async def test_what_an_earlier_attempt_left_is_not_the_result(service, tried):
    service.finish(tried.name, "Failed", attempts=2, reason="ProgramFailed", message="The program failed.")
    document = (await service.get(f"/{tried.name}/result")).json()
    assert "sum" not in document
    assert set(document["_links"]) == {"self", "status"}
    assert is_problem(await service.get(f"/{tried.name}/result/more.txt"), 404, "FileNotFound")


async def test_the_execution_says_how_many_attempts_there_were(service, tried):
    assert (await service.get(f"/{tried.name}")).json()["attempts"] == 2
    other = await service.started()
    assert "attempts" not in (await service.get(f"/{other}")).json()


async def test_a_followed_log_goes_on_with_the_next_attempt(service, monkeypatch):
    monkeypatch.setattr(reader, "POLL_SECONDS", 0.01)
    ref = service.finish(await service.started(), "Running", attempts=1)
    await service.store.logs.of(ref, 1).write(1, FIRST)
    stream = asyncio.create_task(service.get(f"/{ref.name}/log?follow"))
    await service.store.logs.commit(ref, record(1))
    service.finish(ref.name, "Pending", attempts=1, reason="Retrying")
    await asyncio.sleep(0.3)
    assert not stream.done(), "another attempt may follow"
    service.finish(ref.name, "Running", attempts=2)
    await service.store.logs.of(ref, 2).write(1, SECOND)
    await service.store.logs.commit(ref, record(2))
    service.finish(ref.name, "Succeeded", attempts=2)
    await _until(stream.done)
    assert ids((await stream).text) == ["1-1", "2.1-1"]


async def test_a_stream_is_taken_up_in_the_attempt_in_which_it_was_cut(service, tried):
    service.finish(tried.name, "Succeeded", attempts=2)

    async def after(identifier):
        headers = {"Last-Event-ID": identifier}
        return ids((await service.get(f"/{tried.name}/log?follow", headers=headers)).text)

    assert await after("1-1") == ["2.1-1"]
    assert await after("1-0") == ["1-1", "2.1-1"]
    assert await after("2.1-0") == ["2.1-1"]
    assert await after("2.1-1") == []
    assert await after("7.1-1") == ["2.1-1"]


async def test_only_the_attempt_that_is_asked_for_is_followed(service, tried):
    text = (await service.get(f"/{tried.name}/log?follow&attempt=1")).text
    assert ids(text) == ["1-1"]
    assert text.endswith("event: end\ndata: {}\n\n")
