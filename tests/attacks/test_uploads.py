"""H4, uploads: a program with its collector's token takes the upload path, or the store, from all. Fails on 9b98b50."""

import asyncio
import contextlib

import pytest

from serviceexecution.gateway.collect import known_outputs
from serviceexecution.gateway.collect import uploads as uploads_module
from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.collect.main_state import QUESTIONS
from serviceexecution.gateway.http.bodies import pace as pace_module
from serviceexecution.gateway.http.middleware import refusals
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore
from tests.unit.gateway.collect.collector_cluster import REF
from tests.unit.gateway.collect.collector_harness import add_pods, code_of
from tests.unit.gateway.conftest import COLLECTOR, Gateway

LARGE = 1_500_000_000
WITNESS = ExecutionReference("team-b", "witness", "6c0f8a6e-0000-4000-8000-000000000002")
WITNESS_TOKEN = {"Authorization": "Bearer witness"}


@pytest.fixture
def gateway(tmp_path):
    found = Gateway(tmp_path)
    found.kubernetes.add_execution()
    found.kubernetes.add_execution(WITNESS, pod="witness", token="witness")  # noqa: S106
    return found


@contextlib.asynccontextmanager
async def dripping(gateway, senders, *, each=1, length=LARGE):
    """Hold uploads open that have announced much and sent a byte."""
    begun: asyncio.Queue[None] = asyncio.Queue()

    async def body():
        yield b"x"
        begun.put_nowait(None)
        await asyncio.Event().wait()

    tasks = [
        asyncio.create_task(
            gateway.http.put(
                f"/collect/v1/files/slow{number}",
                content=body(),
                headers=headers | {"Content-Length": str(length)},
            )
        )
        for headers in senders
        for number in range(each)
    ]
    try:
        yield begun, tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_six_slow_uploads_of_one_pod_cost_no_other_namespace_its_place(gateway):
    async with dripping(gateway, [COLLECTOR], each=6) as (begun, tasks):
        for _ in range(uploads_module.MAX_UPLOADS):
            await begun.get()
        refused = [task.result() for task in (await asyncio.wait(tasks, timeout=1))[0]]
        assert len(refused) == 6 - uploads_module.MAX_UPLOADS
        assert {code_of(answer) for answer in refused} == {(503, "UploadInProgress")}
        answer = await asyncio.wait_for(
            gateway.put("result.bin", b"z" * 2_000_000, headers=WITNESS_TOKEN), timeout=10
        )
        assert answer.status_code == 200


async def test_many_pods_of_one_namespace_have_half_of_the_turns(gateway):
    async with dripping(gateway, add_pods(gateway, 12)) as (begun, _):
        for _ in range(gateway.settings.large_uploads // 2):
            await begun.get()
        answer = await asyncio.wait_for(
            gateway.put("result.bin", b"z" * 2_000_000, headers=WITNESS_TOKEN), timeout=10
        )
        assert answer.status_code == 200
        assert begun.empty()


async def test_slow_uploads_of_two_namespaces_give_way_to_a_third(gateway, monkeypatch):
    """Grace and looks are shortened; with them as they are it takes half a minute."""
    monkeypatch.setattr(pace_module, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(pace_module, "LEAST_RATE", 1e-3)  # nobody else is in the way: may be slow
    monkeypatch.setattr(pace_module, "_LOOK_SECONDS", 0.05)
    senders = add_pods(gateway, 3, "team-c") + add_pods(gateway, 3, "team-d")
    async with dripping(gateway, senders) as (begun, tasks):
        for _ in senders:
            await begun.get()
        answer = await asyncio.wait_for(
            gateway.put("result.bin", b"z" * 2_000_000, headers=WITNESS_TOKEN), timeout=10
        )
        assert answer.status_code == 200
        done = [task.result() for task in tasks if task.done()]
        assert {code_of(answer) for answer in done} == {(503, "BodyTooSlow")}


async def test_an_upload_that_drips_ends_although_nobody_waits(gateway, monkeypatch):
    monkeypatch.setattr(pace_module, "GRACE_SECONDS", 0.2)

    async def body():
        for _ in range(1000):
            yield b"x"
            await asyncio.sleep(0.05)

    answer = await asyncio.wait_for(gateway.put("f", body()), timeout=10)
    assert code_of(answer) == (408, "BodyTimeout")
    assert await gateway.store.outputs.of(REF, 1).list() == {}


async def test_empty_files_count_and_one_that_is_replaced_counts_once(gateway, monkeypatch):
    monkeypatch.setattr(uploads_module, "MAX_FILES", 20)
    answers = [await gateway.put(f"f{number}", b"") for number in range(25)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [413] * 5
    assert code_of(answers[-1]) == (413, "TooManyFiles")
    assert (await gateway.put("f3", b"")).status_code == 200
    gateway.restart()
    assert code_of(await gateway.put("new", b"")) == (413, "TooManyFiles")
    assert len(await gateway.store.outputs.of(REF, 1).list()) == 20


async def test_parallel_uploads_do_not_pass_the_number_of_files(gateway, monkeypatch):
    monkeypatch.setattr(uploads_module, "MAX_FILES", 1)
    async with dripping(gateway, [COLLECTOR]) as (begun, _):
        await begun.get()
        assert code_of(await gateway.put("f", b"")) == (413, "TooManyFiles")


async def test_directories_count_too_since_each_takes_an_inode(gateway, monkeypatch):
    monkeypatch.setattr(uploads_module, "MAX_DIRECTORIES", 100)
    deep = "/".join(["d"] * 59)
    assert (await gateway.put(f"a/{deep}/f", b"")).status_code == 200
    assert code_of(await gateway.put(f"b/{deep}/f", b"")) == (413, "TooManyFiles")
    assert (await gateway.put(f"a/{deep}/g", b"")).status_code == 200


@pytest.mark.parametrize("path", ["n/" * 128 + "f", "n" * 256, ("n" * 200 + "/") * 21 + "f"])
async def test_hostile_paths_are_refused(gateway, path):
    assert code_of(await gateway.put(path, b"")) == (400, "InvalidPath")


async def test_an_upload_that_began_before_the_commit_replaces_nothing_of_it(gateway):
    """Such a program has time until its pod is gone to change what was checked and committed."""
    await gateway.put("output.json", b"{}")
    async with dripping(gateway, [COLLECTOR], length=10) as (begun, _):
        await begun.get()
        assert code_of(await gateway.commit({"output.json": b"{}"})) == (503, "UploadInProgress")
    assert (await gateway.commit({"output.json": b"{}"})).status_code == 200


async def test_an_upload_to_another_replica_replaces_nothing_that_was_committed_meanwhile(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(known_outputs, "_CHECK_SECONDS", -1)  # seconds have passed since it looked
    here, there = Gateway(tmp_path), Gateway(tmp_path)
    for gateway in (here, there):
        gateway.kubernetes.add_execution()
    await here.put("output.json", b"{}")
    committed = asyncio.Event()

    async def body():
        yield b'{"forged": '
        await committed.wait()
        yield b"true}"

    late = asyncio.create_task(there.put("output.json", body()))
    await asyncio.sleep(0)
    assert (await here.commit({"output.json": b"{}"})).status_code == 200
    committed.set()
    assert code_of(await late) == (409, "AlreadyCommitted")
    assert (await here.get("files/output.json")).content == b"{}"


async def test_the_book_is_bounded_and_who_has_most_loses_pages_first(tmp_path, monkeypatch):
    monkeypatch.setattr(known_outputs, "KNOWN_BYTES", 50_000)
    store = ResultStore.open(f"file://{tmp_path}/store", "cluster")
    known = known_outputs.KnownOutputs(store)

    async def one():
        yield b"1"

    async def fill(ref, files):
        identity = CollectorIdentity(ref, 1, "job", "pod", "uid", 1000)
        await known.output(identity)
        for number in range(files):
            known.record(identity, await store.outputs.of(ref, 1).write(f"f{number}", one()))

    await fill(WITNESS, 10)
    for number in range(20):
        await fill(ExecutionReference("team-a", "x", f"uid-{number}"), 20)
        assert known.bytes <= 50_000 + 20 * 500
    assert {key[0] for key in known._outputs} == {"team-a", "team-b"}
    output = await known.output(CollectorIdentity(WITNESS, 1, "job", "pod", "uid", 1000))
    assert all(known.sha256 is not None for known in output.files.values())


def test_one_page_as_large_as_may_be_fits_into_the_book():
    assert known_outputs.KNOWN_BYTES > 50_000 * (700 + 400) + 50_000 * 80


async def test_one_pod_waits_once_for_its_main_however_often_it_asks(gateway):
    """1,000 calls held 1,000 watches at the API server."""

    async def ask():
        return await gateway.http.get("/collect/v1/main?wait=60", headers=COLLECTOR)

    tasks = [asyncio.create_task(ask()) for _ in range(1000)]
    waiting = set(tasks)
    async with asyncio.timeout(60):
        while len(waiting) > 1:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert gateway.kubernetes.watches == 1
    answers = [task.result() for task in tasks if task.done()]
    assert {answer.status_code for answer in answers} <= {200, 429}
    await gateway.kubernetes.set_main("terminated")
    (last,) = waiting
    assert (await asyncio.wait_for(last, 10)).json() == {"state": "terminated"}
    await asyncio.sleep(0)
    assert gateway.kubernetes.watches == 0


async def test_the_pods_of_a_namespace_share_one_watch(gateway):
    tasks = [
        asyncio.create_task(gateway.http.get("/collect/v1/main?wait=60", headers=headers))
        for headers in add_pods(gateway, 50)
    ]
    async with asyncio.timeout(60):
        while gateway.kubernetes.gets < 4 * len(tasks) or not gateway.kubernetes.watches:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    assert gateway.kubernetes.watches == 1
    await gateway.kubernetes.set_main("terminated", pod="team-a-7")
    assert (await asyncio.wait_for(tasks[7], 10)).json() == {"state": "terminated"}
    gateway.draining.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def test_questions_about_main_are_few_a_second(gateway):
    answers = [await gateway.http.get("/collect/v1/main", headers=COLLECTOR) for _ in range(3 * QUESTIONS)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) > QUESTIONS
    assert code_of(refused[0]) == (429, "TooManyQuestions")
    assert refused[0].headers["retry-after"] == "1"


async def test_one_token_has_few_calls_at_once(gateway, monkeypatch):
    monkeypatch.setattr(refusals, "FREE", 100.0)
    async with dripping(gateway, [COLLECTOR], each=30, length=10) as (_, tasks):
        done, _ = await asyncio.wait(tasks, timeout=1)
        assert {code_of(task.result()) for task in done} == {
            (429, "TooManyCalls"),
            (503, "UploadInProgress"),
        }
        assert len(tasks) - len(done) == uploads_module.MAX_UPLOADS
