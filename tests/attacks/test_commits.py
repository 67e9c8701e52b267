"""H4, commits: unfinished and huge ones take the gateway's memory and its event loop. Fails on 9b98b50."""

import asyncio
import gc
import json
import time
import tracemalloc
from datetime import UTC, datetime

import pytest

from serviceexecution.gateway.collect import commits as commits_module
from serviceexecution.gateway.collect import committing
from serviceexecution.gateway.collect.collector_identity import CollectorIdentity
from serviceexecution.gateway.collect.commit_reader import CommitReader
from serviceexecution.gateway.collect.commits import CommittedFile, record_end, record_text, sorted_steps
from serviceexecution.store.outputs import OutputFiles
from serviceexecution.store.records import OutputManifest
from serviceexecution.store.store import ResultStore
from tests.unit.gateway.collect.collector_cluster import REF
from tests.unit.gateway.collect.collector_harness import ODD, add_pods, code_of
from tests.unit.gateway.conftest import COLLECTOR, Gateway, entry

MIB = 1024 * 1024
SHA = "0" * 64
IDENTITY = CollectorIdentity(REF, 1, "job", "pod", "uid-pod-1", 10**12)


@pytest.fixture
def gateway(tmp_path):
    found = Gateway(tmp_path, upload_queue_seconds=0.2)
    found.kubernetes.add_execution()
    return found


def entries(count, length, start=0):
    """Return the text of so many files whose paths have that length."""
    name = "/".join(["n" * 100] * (length // 101 + 1))
    return b",".join(
        json.dumps({"path": f"{number:06}{name}"[:length], "size": 1, "sha256": SHA}).encode()
        for number in range(start, start + count)
    )


async def whole(count, length):
    """Give a commit in pieces as a socket does."""
    yield b'{"files":['
    for start in range(0, count, 500):
        yield (b"," if start else b"") + entries(min(500, count - start), length, start)
    yield b'],"skipped":[]}'


async def post(gateway, content, headers=COLLECTOR):
    return await gateway.http.post("/collect/v1/commit", content=content, headers=headers)


class Loop:
    """How much of its own thread's time the event loop has computed at a stretch, at most."""

    async def __aenter__(self):
        gc.collect()  # the process does so at its start, too: what all tests have left is not to be gone through
        gc.freeze()
        self.longest = 0.0
        self._task = asyncio.create_task(self._look())
        await asyncio.sleep(0)
        return self

    async def _look(self):
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.longest = max(self.longest, now - last)
            last = now

    async def __aexit__(self, *_):
        self._task.cancel()
        gc.unfreeze()


async def test_unfinished_commits_hold_what_two_may_and_the_others_are_refused_unread(gateway):
    """Six of 59 MiB each held 359 MiB."""
    headers = add_pods(gateway, 6)
    sent = []

    def unfinished(number):
        async def body():
            sent.append(number)
            yield b'{"files":['
            for start in range(0, 10_000, 500):
                yield (b"," if start else b"") + entries(500, 700, start)
            yield b" " * MIB
            done.put_nowait(number)
            await asyncio.Event().wait()

        return body()

    done: asyncio.Queue[int] = asyncio.Queue()
    tracemalloc.start()
    try:
        tasks = [
            asyncio.create_task(post(gateway, unfinished(number), header))
            for number, header in enumerate(headers)
        ]
        async with asyncio.timeout(120):
            await done.get()
            waiting = set(tasks)
            while len(waiting) > 1:
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        for task in tasks:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert {code_of(answer) for answer in refused} == {(503, "TooManyCommits")}
    assert all(answer.headers["retry-after"] for answer in refused)
    assert len(sent) == 1, "one namespace has half of the two turns; the others' bodies were not asked for"
    assert held < 30 * MIB


async def test_a_commit_of_another_namespace_has_its_turn_meanwhile(gateway):
    begun = asyncio.Event()

    async def unfinished():
        yield b'{"files":['
        begun.set()
        await asyncio.Event().wait()

    slow = asyncio.create_task(post(gateway, unfinished()))
    await begun.wait()
    (other,) = add_pods(gateway, 1, "team-b")

    async def nothing():  # of unknown length
        yield b"{}"

    assert (await post(gateway, nothing(), other)).status_code == 200
    assert code_of(await post(gateway, b"{}")) == (503, "CommitInProgress")
    slow.cancel()


async def test_a_commit_that_drips_is_ended(gateway, monkeypatch):
    monkeypatch.setattr("serviceexecution.gateway.http.bodies.pace.GRACE_SECONDS", 0.2)

    async def drip():
        for _ in range(1000):
            yield b" "
            await asyncio.sleep(0.02)

    assert code_of(await asyncio.wait_for(post(gateway, drip()), 20)) == (408, "BodyTimeout")


async def test_a_large_commit_costs_little_more_than_its_names(gateway):
    """64 MiB cost 193 MiB and a second and a half at a stretch."""
    tracemalloc.start()
    try:
        answer = await post(gateway, whole(10_000, 700))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert code_of(answer) == (409, "FileMismatch")
    assert peak < 30 * MIB, "9 MiB of text cost 27 MiB and more before it was looked at"


async def test_no_step_of_a_huge_commit_is_long(gateway):
    async with Loop() as loop:
        answer = await post(gateway, whole(50_000, 320))
    assert code_of(answer) == (409, "FileMismatch")
    assert loop.longest < 0.05


async def test_no_step_of_writing_a_huge_record_is_long(tmp_path):
    reader = CommitReader()
    async for piece in whole(50_000, 320):
        reader.feed(piece)
    commit, longest = reader.end(), 0.0
    ordered: list[CommittedFile] = []
    for step in (sorted_steps(commit, ordered), record_text(IDENTITY, commit, ordered)):
        before = time.thread_time()
        for _ in step:
            longest = max(longest, time.thread_time() - before)
            before = time.thread_time()
    assert len(ordered) == 50_000
    assert longest < 0.05


@pytest.mark.parametrize(
    ("count", "length", "names"), [(50_001, 10, None), (600, 100, 50_000)], ids=["files", "names"]
)
async def test_too_many_files_or_names_are_refused_as_soon_as_they_are_seen(
    gateway, monkeypatch, count, length, names
):
    if names is not None:
        monkeypatch.setattr(commits_module, "MAX_NAME_BYTES", names)
    assert code_of(await post(gateway, whole(count, length))) == (413, "CommitTooLarge")


async def test_what_is_announced_too_large_is_refused_unread(gateway):
    asked: list[bool] = []

    async def never():
        asked.append(True)
        yield b""

    headers = COLLECTOR | {"Content-Length": str(commits_module.MAX_COMMIT_BYTES + 1)}
    assert code_of(await post(gateway, never(), headers)) == (413, "CommitTooLarge")
    assert not asked


async def test_what_is_endless_is_refused_at_its_limit(gateway, monkeypatch):
    monkeypatch.setattr(committing, "MAX_COMMIT_BYTES", 100_000)

    async def spaces():
        while True:
            yield b" " * 10_000

    assert code_of(await post(gateway, spaces())) == (413, "CommitTooLarge")


@pytest.mark.parametrize(
    "text",
    [
        b'{"files":[{"path":' + b"[" * 150_000,
        b'{"files":[{"path":"' + b"a" * 300_000,
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"files":[{"path":"a","size":' + b"9" * 5_000 + b',"sha256":"' + SHA.encode() + b'"}]}',
        b'{"files":[{"path":"a","size":1e999,"sha256":"' + SHA.encode() + b'"}]}',
        b'{"files":[{"path":"\\ud800","size":1,"sha256":"' + SHA.encode() + b'"}]}',
        b'{"skipped":[{"path":"\\ud800","reason":"x"}]}',
        b'{"files":[}',
        b'{"files":[],}',
        b'{"files":[1]}',
        b'{"files":[] "skipped":[]}',
        b'{"files":[]}}',
        b'{"files":[]',
        b"\xff\xfe",
        b'"files"',
        b"{1:2}",
    ],
    ids=range(16),
)
async def test_hostile_texts_are_refused_in_a_sentence(gateway, text):
    answer = await post(gateway, text)
    assert answer.status_code == 400
    assert len(answer.json()["detail"]) < 300


async def test_a_value_that_comes_byte_by_byte_is_not_read_anew_for_each(monkeypatch):
    reads = 0
    inner = CommitReader._read

    def counted(self):
        nonlocal reads
        reads += 1
        inner(self)

    monkeypatch.setattr(CommitReader, "_read", counted)
    reader = CommitReader()
    for byte in (
        b'{"files":[{"path":"'
        + b"/".join([b"a" * 200] * 20)
        + b'","size":1,"sha256":"'
        + SHA.encode()
        + b'"}]}'
    ):
        reader.feed(bytes([byte]))
    (file,) = reader.end().files.values()
    assert len(file.path) == 4019
    assert reads <= 3


@pytest.mark.parametrize("piece", [1, 7, 1000])
async def test_the_record_is_what_a_reader_reads_however_the_commit_was_cut(tmp_path, piece):
    names = [*ODD, '\x7f\x01"\\\b', "\u2028", "\U0001f600"]
    body = json.dumps(
        {
            "more": {"nested": [1.5, None, "}"]},
            "limitExceeded": True,
            "skipped": [{"path": "z\n", "reason": "y"}, {"path": "a", "reason": "\u00e4"}],
            "files": [entry(name, name.encode()) for name in names],
        }
    ).encode()
    reader = CommitReader()
    for start in range(0, len(body), piece):
        reader.feed(body[start : start + piece])
        reader._read()
    commit = reader.end()
    ordered: list[CommittedFile] = []
    for _ in sorted_steps(commit, ordered):
        pass
    now = datetime.now(UTC)
    text = b"".join(record_text(IDENTITY, commit, ordered)) + record_end(now)
    manifest = OutputManifest.model_validate_json(text)
    assert [file.path for file in manifest.files] == sorted(names)
    assert [skipped.path for skipped in manifest.skipped] == ["a", "z\n"]
    assert (manifest.limit_exceeded, manifest.committed_at, manifest.attempt) == (True, now, 1)
    assert manifest.total_bytes == sum(len(name.encode()) for name in names)
    assert text.decode() == manifest.model_dump_json(by_alias=True)


async def test_a_record_s_attempt_is_read_from_its_beginning(tmp_path):
    store = ResultStore.open(f"file://{tmp_path}/store", "cluster")
    assert await store.commits.attempt_of(REF) is None
    for attempt in (1, 12):
        await store.outputs.commit(
            REF, OutputManifest(attempt=attempt, pod_uid="p", committed_at=datetime.now(UTC))
        )
        assert await store.commits.attempt_of(REF) == attempt


async def test_files_with_a_wrong_digest_are_read_back_once(gateway, monkeypatch):
    """Each commit could have made the gateway read gigabytes again."""
    await gateway.put("f", b"1")
    gateway.restart()
    reads = 0
    inner = OutputFiles.digest

    async def counted(files, path):
        nonlocal reads
        reads += 1
        return await inner(files, path)

    monkeypatch.setattr(OutputFiles, "digest", counted)
    for _ in range(3):
        assert code_of(await gateway.commit({"f": b"2"})) == (409, "FileMismatch")
    assert (await gateway.commit({"f": b"1"})).status_code == 200
    assert reads == 1
