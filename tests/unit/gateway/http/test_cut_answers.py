"""Answers that begin and cannot go on: the client sees that they are not whole, and the log has one line of it."""

import pytest
import structlog
from structlog.testing import capture_logs

from serviceexecution.store.errors import StoreError
from serviceexecution.store.storage.objects import Objects
from tests.unit.gateway.collect.collector_cluster import REF
from tests.unit.gateway.conftest import USER
from tests.unit.gateway.http.protocol_harness import all_of, served

PATH = "folder/a\n\x1b[31mb.bin"
SENT = "folder%2Fa%0A%1B%5B31mb.bin"
SIZE = 8 << 20


@pytest.fixture
async def kept(gateway):
    gateway.kubernetes.add_execution()
    await gateway.put(PATH, bytes(SIZE))
    assert (await gateway.commit({PATH: bytes(SIZE)})).status_code == 200
    return gateway


def request():
    url = f"/api/v1/namespaces/{REF.namespace}/executions/{REF.name}/files/{SENT}"
    return f"GET {url} HTTP/1.1\r\nHost: gateway\r\nAuthorization: {USER['Authorization']}\r\n\r\n".encode()


async def test_a_file_that_the_store_loses_closes_the_connection_with_one_line(kept, monkeypatch, caplog):
    stream = Objects.stream

    async def losing(self, key, byte_range=None):
        found = await stream(self, key, byte_range)
        if found is None or not key.endswith(".bin"):
            return found

        async def chunks():
            yield await anext(found.chunks)
            raise StoreError(f"read {key}: " + "x" * 5000)

        return type(found)(found.size, found.start, found.end, chunks())

    monkeypatch.setattr(Objects, "stream", losing)
    structlog.reset_defaults()
    with capture_logs() as events:
        async with served(kept.app) as port:
            answer = await all_of(port, request())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert 0 < len(body) < SIZE
    assert [record for record in caplog.records if record.name.startswith(("uvicorn", "asyncio"))] == []
    assert not any("exc_info" in event for event in events)
    (line,) = (event for event in events if event["log_level"] not in ("info", "debug"))
    assert (line["event"], line["namespace"], line["uid"]) == ("request", REF.namespace, REF.uid)
    assert line["path"].endswith(PATH)  # Escaped when it is written: process/logs.py
    assert line["cut"].startswith("read ")
    assert len(line["cut"]) < 1100
