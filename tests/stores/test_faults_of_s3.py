"""What our store makes of versitygw when requests hang, get lost, are refused or stop in their middle."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError, StoreFullError
from serviceexecution.store.records import LogRecord, OutputManifest
from serviceexecution.store.store import ResultStore
from serviceexecution.store.sweep import SweepRules, sweep
from tests.support.fault_proxy import FaultProxy
from tests.support.s3 import Fault, drop, hang, refuse
from tests.support.store_servers import StoreServer
from tests.unit.controller.harness import World, start
from tests.unit.executions.builders import ended

REFERENCE = ExecutionReference("team", "sum", "uid")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RULES = SweepRules(tombstone_age=timedelta(days=7))
LATER = NOW + timedelta(days=8)
DATA = bytes(range(256)) * 100_000
"""More than is written in one part."""
FAULTS: dict[str, Fault] = {
    "hangs": hang,
    "drops every request": drop,
    "is overloaded": refuse(503, "SlowDown"),
    "fails": refuse(500, "InternalError"),
    "has expired credentials": refuse(403, "ExpiredToken"),
    "refuses the credentials": refuse(403, "AccessDenied"),
    "has lost the bucket": refuse(404, "NoSuchBucket"),
}


@pytest.fixture
def store(versitygw: StoreServer, proxy: FaultProxy) -> ResultStore:
    return versitygw.open(address=proxy.url)


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), 1_000_000):
        yield data[begin : begin + 1_000_000]


async def nobody() -> set[str]:
    return set()


async def kept(store: ResultStore, data: bytes = b"1") -> OutputManifest:
    """Keep an output and its record."""
    written = await store.outputs.of(REFERENCE, 1).write("a", chunks(data))
    manifest = OutputManifest(
        pod_uid="pod", files=(written.file,), total_bytes=written.file.size, committed_at=NOW
    )
    await store.outputs.commit(REFERENCE, manifest)
    await store.logs.of(REFERENCE, 1).write(1, b"line\n")
    return manifest


async def content(store: ResultStore) -> bytes:
    stream = await store.outputs.of(REFERENCE, 1).open("a")
    assert stream is not None
    return b"".join([bytes(chunk) async for chunk in stream.chunks])


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_operation_is_an_error_in_time_and_nothing_is_lost(
    store: ResultStore, proxy: FaultProxy, fault: str
) -> None:
    manifest = await kept(store)
    proxy.fault = FAULTS[fault]
    operations = [
        lambda: store.outputs.read_manifest(REFERENCE),
        lambda: store.commits.attempt_of(REFERENCE),
        lambda: store.outputs.of(REFERENCE, 1).open("a"),
        lambda: store.outputs.of(REFERENCE, 1).list(),
        lambda: store.has_run(REFERENCE),
        lambda: store.logs.read_record(REFERENCE),
        lambda: store.logs.of(REFERENCE, 1).sizes(),
        lambda: store.logs.of(REFERENCE, 1).write(1, b"other\n"),
        store.notes.list_tombstones,
        store.notes.list_expiries,
        store.sources.list_sources,
        lambda: store.notes.write_expiry("team", "uid", NOW),
        lambda: store.outputs.commit(REFERENCE, manifest),
        lambda: store.delete_execution("team", "uid"),
        lambda: anext(aiter(store.list_executions())),
        store.check,
    ]
    for operation in operations:
        started = time.monotonic()
        with pytest.raises(StoreError):
            await operation()
        assert time.monotonic() - started < 4
    assert store.answers.away_seconds() > 0
    proxy.fault = None
    assert await store.outputs.read_manifest(REFERENCE) == manifest
    assert await content(store) == b"1"
    assert await store.logs.of(REFERENCE, 1).read(1) == b"line\n"
    assert store.answers.away_seconds() == 0


@pytest.mark.parametrize("losses", [1, 2])
async def test_what_the_server_did_and_could_not_say_is_done_once(
    store: ResultStore, proxy: FaultProxy, losses: int
) -> None:
    proxy.lost_answers = losses
    manifest = await kept(store)
    assert proxy.lost_answers == 0
    assert await store.outputs.read_manifest(REFERENCE) == manifest
    for block in (b"1\n", b"2\n", b"3\n"):
        proxy.lost_answers = losses
        await store.logs.of(REFERENCE, 1).write(int(block[:1]), block)
    assert await store.logs.of(REFERENCE, 1).sizes() == [(1, 2), (2, 2), (3, 2)]
    proxy.lost_answers = losses
    record = LogRecord(pod_uid="p", bytes=6, lines=3, committed_at=NOW)
    await store.logs.commit(REFERENCE, record)
    assert await store.logs.read_record(REFERENCE) == record
    proxy.lost_answers = losses
    await store.delete_execution("team", "uid")
    assert [one async for one in store.list_executions()] == []


@pytest.mark.parametrize("request_", ["POST", "PUT"])
async def test_a_large_upload_whose_answers_get_lost_is_whole_or_an_error(
    store: ResultStore, proxy: FaultProxy, request_: str
) -> None:
    async def lose(request: web.Request) -> None:
        proxy.lost_answers = int(request.method == request_ and not lost)
        if proxy.lost_answers:
            lost.append(request.method)

    lost: list[str] = []
    await kept(store)
    proxy.fault = lose
    try:
        await store.outputs.of(REFERENCE, 1).write("a", chunks(DATA))
    except StoreError:  # The collector sends it again
        proxy.fault = None
        assert await content(store) in {b"1", DATA}
        await store.outputs.of(REFERENCE, 1).write("a", chunks(DATA))
    assert lost
    proxy.fault = None
    assert await content(store) == DATA


async def test_a_slow_server_is_waited_for(store: ResultStore, proxy: FaultProxy) -> None:
    async def slowly(_: web.Request) -> None:
        await asyncio.sleep(0.7)

    proxy.fault = slowly
    assert await kept(store) == await store.outputs.read_manifest(REFERENCE)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("size", [1000, len(DATA)], ids=["whole", "in parts"])
async def test_an_upload_that_is_torn_leaves_what_was_there(
    store: ResultStore, proxy: FaultProxy, size: int
) -> None:
    await kept(store)

    async def torn(request: web.Request) -> web.Response | None:
        if request.method != "PUT":
            return None
        await request.content.read(500)
        return await drop(request)

    proxy.fault = torn
    with pytest.raises(StoreError):
        await store.outputs.of(REFERENCE, 1).write("a", chunks(DATA[:size]))
    proxy.fault = None
    assert await content(store) == b"1"


async def test_a_read_that_is_cut_is_an_error_or_whole(store: ResultStore, proxy: FaultProxy) -> None:
    await kept(store, DATA)
    proxy.cut_answers = 1
    try:
        assert await content(store) == DATA
    except StoreError:
        assert await content(store) == DATA


@pytest.mark.usefixtures("short")
async def test_a_list_that_stops_in_its_middle_deletes_and_marks_nothing(
    store: ResultStore, proxy: FaultProxy
) -> None:
    for number in range(5):
        await store.logs.of(ExecutionReference("team", "n", f"uid-{number}"), 1).write(1, b"x")
        await store.notes.write_tombstone("team", f"uid-{number}", NOW)
    rules = SweepRules(tombstone_age=timedelta(days=7), largest_share=1.0)
    for page in range(3):
        lists = 0

        async def stops(request: web.Request, page: int = page) -> web.Response | None:
            nonlocal lists
            if request.method == "GET" and "list-type" in request.query:
                lists += 1
                return await drop(request) if lists > page else None
            return None

        proxy.fault = stops
        with pytest.raises(StoreError):
            await sweep(store, nobody, LATER, rules=rules)
        proxy.fault = None
        assert len([one async for one in store.list_executions()]) == 5
    assert len((await sweep(store, nobody, LATER, rules=rules)).delete) == 5


@pytest.mark.parametrize(("status", "code"), [(507, "InsufficientStorage"), (403, "AccessDenied")])
async def test_a_store_that_takes_no_writes_gives_its_results_and_is_swept(
    store: ResultStore, proxy: FaultProxy, status: int, code: str
) -> None:
    manifest = await kept(store)
    await store.notes.write_tombstone("team", "uid", NOW)
    proxy.fault = refuse(status, code, writes_only=True)
    with pytest.raises(StoreFullError if status == 507 else StoreError):
        await store.logs.of(REFERENCE, 1).write(2, b"x")
    assert await store.outputs.read_manifest(REFERENCE) == manifest
    assert (await sweep(store, nobody, LATER, rules=RULES)).delete == (("team", "uid"),)
    assert [one async for one in store.list_executions()] == []


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_run_waits_for_the_store_says_so_and_ends_rightly(
    world: World, versitygw: StoreServer, proxy: FaultProxy, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serviceexecution.store.storage.objects.READ_SECONDS", 1.5)
    world.store = versitygw.open(address=proxy.url)
    world.start()
    await start(world, output={"collectTimeout": "30s"})
    world.wait(5)
    world.pod(ended(), ended(until=11))
    await world.keep()
    proxy.fault = FAULTS[fault]
    for _ in range(6):
        await world.controller.run()
        assert world.said()[0] == "Running"
        world.wait(30)
    assert world.said() == ("Running", "Collecting")
    assert "The results store has not answered since" in str(world.execution.status.message)
    proxy.fault = None
    deadline = time.monotonic() + 20
    while world.said() != ("Succeeded", "Succeeded"):
        assert time.monotonic() < deadline
        await world.controller.run()
        world.wait(1)
        await asyncio.sleep(0.2)
    assert world.execution.status.result is not None
