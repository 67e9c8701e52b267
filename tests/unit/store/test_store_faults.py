"""The store on an S3 server that has faults, and in a directory that has: errors in time, never an empty answer."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError, StoreFullError
from serviceexecution.store.records import OutputManifest, StoredFile
from serviceexecution.store.storage import objects as limits
from serviceexecution.store.store import ResultStore
from serviceexecution.store.sweep import sweep
from tests.support.s3 import S3Server, drop, hang, refuse, s3_server

REFERENCE = ExecutionReference("team", "sum", "uid")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MANIFEST = OutputManifest(
    pod_uid="pod", files=(StoredFile(path="a", size=1, sha256="x", media_type="t"),), committed_at=NOW
)
FAULTS = {
    "hangs": hang,
    "drops": drop,
    "is overloaded": refuse(503, "SlowDown"),
    "has expired credentials": refuse(400, "ExpiredToken"),
    "refuses the credentials": refuse(403, "AccessDenied"),
    "has lost the bucket": refuse(404, "NoSuchBucket"),
}


@pytest.fixture
async def s3() -> AsyncIterator[S3Server]:
    async with s3_server() as server:
        yield server


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let limits be over soon."""
    for name in ("READ_SECONDS", "_LIST_SECONDS", "_WRITE_SECONDS", "_CHUNK_SECONDS"):
        monkeypatch.setattr(limits, name, 0.5)


async def chunks(*data: bytes) -> AsyncIterator[bytes]:
    for one in data:
        yield one


async def kept(store: ResultStore) -> None:
    await store.outputs.of(REFERENCE, 1).write("a", chunks(b"1"))
    await store.outputs.commit(REFERENCE, MANIFEST)
    await store.logs.of(REFERENCE, 1).write(1, b"line\n")


async def test_the_limits_of_reads_are_seconds() -> None:
    assert limits.READ_SECONDS <= 5


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_store_that_is_away_is_an_error_in_time_and_never_empty(s3: S3Server, fault: str) -> None:
    store = s3.store()
    await kept(store)
    s3.fault = FAULTS[fault]
    reads = [
        lambda: store.outputs.read_manifest(REFERENCE),
        lambda: store.commits.attempt_of(REFERENCE),
        lambda: store.outputs.of(REFERENCE, 1).open("a"),
        lambda: store.outputs.of(REFERENCE, 1).list(),
        lambda: store.logs.of(REFERENCE, 1).sizes(),
        lambda: store.logs.of(REFERENCE, 1).read(1),
        store.notes.list_tombstones,
        lambda: store.outputs.commit(REFERENCE, MANIFEST),
        lambda: store.delete_execution("team", "uid"),
        lambda: anext(aiter(store.list_executions())),
        store.check,
    ]
    for read in reads:
        started = time.monotonic()
        with pytest.raises(StoreError):
            await read()
        assert time.monotonic() - started < 3
    s3.fault = None
    assert await store.outputs.read_manifest(REFERENCE) == MANIFEST


async def test_a_request_that_gets_lost_is_repeated(s3: S3Server) -> None:
    store = s3.store()
    await kept(store)
    lost = 0

    async def once(request: web.Request) -> web.Response | None:
        nonlocal lost
        lost += 1
        return await drop(request) if lost == 1 else None

    s3.fault = once
    assert await store.outputs.read_manifest(REFERENCE) == MANIFEST
    assert lost == 2


async def test_a_slow_store_is_waited_for(s3: S3Server) -> None:
    store = s3.store()
    await kept(store)

    async def slowly(_: web.Request) -> None:
        await asyncio.sleep(0.3)

    s3.fault = slowly
    assert await store.outputs.read_manifest(REFERENCE) == MANIFEST


@pytest.mark.usefixtures("short")
async def test_an_answer_that_stops_in_its_middle_is_an_error(s3: S3Server) -> None:
    store = s3.store()
    data = bytes(3 * 1024 * 1024)
    await store.outputs.of(REFERENCE, 1).write("large", chunks(data))

    async def half(request: web.Request) -> web.Response:
        await begin(request, data)
        return await hang(request)

    s3.fault = half
    stream = await store.outputs.of(REFERENCE, 1).open("large")
    assert stream is not None
    with pytest.raises(StoreError):
        async for _ in stream.chunks:
            pass


async def begin(request: web.Request, data: bytes) -> None:
    answer = web.StreamResponse(
        headers={
            "Content-Length": str(len(data)),
            "ETag": '"tag"',
            "Last-Modified": "Mon, 23 Nov 2026 12:00:00 GMT",
        }
    )
    await answer.prepare(request)
    await answer.write(data[: len(data) // 2])


@pytest.mark.parametrize(("status", "code"), [(507, "InsufficientStorage"), (400, "XMinioStorageFull")])
async def test_a_full_store_is_said_to_be_full_and_can_be_read_and_emptied(
    s3: S3Server, status: int, code: str
) -> None:
    store = s3.store()
    await kept(store)
    s3.fault = refuse(status, code, writes_only=True)
    with pytest.raises(StoreFullError):
        await store.logs.of(REFERENCE, 1).write(2, b"x")
    assert await store.outputs.read_manifest(REFERENCE) == MANIFEST
    await store.delete_execution("team", "uid")
    assert [one async for one in store.list_executions()] == []


async def test_a_directory_that_is_gone_is_not_an_empty_store(tmp_path: Path) -> None:
    store = ResultStore.open(f"file://{tmp_path}/store", "cluster")
    await kept(store)
    assert await store.logs.read_record(REFERENCE) is None
    (tmp_path / "store").rename(tmp_path / "unmounted")
    for read in (store.outputs.read_manifest, store.logs.read_record):
        with pytest.raises(StoreError, match="directory is gone"):
            await read(REFERENCE)
    with pytest.raises(StoreError, match="directory is gone"):
        await store.notes.list_tombstones()


async def test_a_sweep_of_many_is_some_lists(s3: S3Server) -> None:
    store = s3.store()
    for number in range(2500):
        s3.objects[f"kept/cluster/team/uid-{number}/log.json"] = b"{}", NOW
        s3.objects[f"kept/cluster/!expiries/team/uid-{number}.20991231T000000Z"] = b"{}", NOW
        s3.objects[f"kept/cluster/!tombstones/team/uid-{number}.20261123T120000Z.seen"] = b"{}", NOW

    async def nobody() -> set[str]:
        return set()

    await sweep(store, nobody, NOW)
    assert len(s3.requests) == 10, s3.requests
