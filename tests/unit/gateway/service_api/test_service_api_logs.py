"""Logs and interim results over the Service API."""

import asyncio
from typing import Any

from serviceexecution.gateway.logs import reader
from serviceexecution.store.logs import LogChunks
from tests.unit.gateway.service_api.service_cluster import NAMESPACE
from tests.unit.gateway.service_api.service_harness import _until, service

__all__ = ["service"]


class TestLog:
    LINES = b"2026-11-24T12:00:00.1Z WARNING:root:a\n2026-11-24T12:00:01Z b\n"

    async def test_a_log_has_the_lines_so_far(self, service):
        name = await service.started()
        assert (await service.get(f"/{name}/log")).json() == []
        ref = service.finish(name, "Running")
        await service.store.logs.of(ref, 1).write(1, self.LINES)
        await service.store.logs.of(ref, 1).write(2, b"2026-11-24T12:00:02Z {}\n")
        assert (await service.get(f"/{name}/log")).json() == [
            {
                "message": "WARNING:root:a",
                "severity": "WARNING",
                "timestamp": "2026-11-24T12:00:00.100000000Z",
            },
            {"message": "b", "severity": "INFO", "timestamp": "2026-11-24T12:00:01.000000000Z"},
            {"message": "{}", "severity": "INFO", "timestamp": "2026-11-24T12:00:02.000000000Z"},
        ]

    async def test_a_log_is_followed_and_taken_up_again(self, service):
        ref = service.finish(await service.started(), "Succeeded")
        await service.store.logs.of(ref, 1).write(1, self.LINES)
        await service.store.logs.of(ref, 1).write(2, b"2026-11-24T12:00:02Z c\n")
        text = (await service.get(f"/{ref.name}/log?follow")).text
        ids = [line[4:] for line in text.splitlines() if line.startswith("id: ")]
        assert ids == ["1-1", "1-2", "2-1"]
        assert text.endswith("event: end\ndata: {}\n\n")
        for number, identifier in enumerate(ids):
            headers = {"Last-Event-ID": identifier}
            text = (await service.get(f"/{ref.name}/log?follow=true", headers=headers)).text
            assert [line[4:] for line in text.splitlines() if line.startswith("id: ")] == ids[number + 1 :]

    async def test_an_execution_that_is_unknown_here_alone_or_cannot_be_asked_for_ends_no_stream(
        self, service, monkeypatch
    ):
        monkeypatch.setattr(reader, "POLL_SECONDS", 0.01)
        ref = service.finish(await service.started(), "Running")
        looks: list[Any] = []
        sizes = LogChunks.sizes

        async def counted(log):
            looks.append(log)
            return await sizes(log)

        monkeypatch.setattr(LogChunks, "sizes", counted)
        stream = asyncio.create_task(service.get(f"/{ref.name}/log?follow"))

        async def looked():
            before = len(looks)
            await _until(lambda: stream.done() or len(looks) >= before + 3)
            assert not stream.done()

        await looked()
        service.state._executions.drop(NAMESPACE, ref.name, ref.uid)
        await looked()
        service.state._executions.drop(NAMESPACE, ref.name, ref.uid)
        service.cluster.down = True
        await looked()
        service.cluster.down = False
        await service.store.logs.of(ref, 1).write(1, self.LINES)
        service.finish(ref.name, "Succeeded")
        text = (await stream).text
        assert text.count("id: ") == 2
        assert text.endswith("event: end\ndata: {}\n\n")

    async def test_interim_results_are_read_from_the_log(self, service):
        ref = service.finish(await service.started(), "Running")
        assert (await service.get(f"/{ref.name}/interim-results")).json() == []
        assert (await service.get(f"/{ref.name}/interim-results?last=true")).json() == {}
        chunk = b"".join(b'2026-11-24T12:00:00Z PlanQK:Job:InterimResult: {"n": %d}\n' % n for n in (1, 2))
        await service.store.logs.of(ref, 1).write(1, chunk)
        assert (await service.get(f"/{ref.name}/interim-results")).json() == [{"n": 1}, {"n": 2}]
        assert (await service.get(f"/{ref.name}/interim-results?last=true")).json() == {"n": 2}
