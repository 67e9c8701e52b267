import asyncio
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import (
    CorruptRecordError,
    InvalidOutputPathError,
    StoreConfigurationError,
    StoreError,
)
from serviceexecution.store.records import LogRecord, OutputManifest, StdoutResult, StoredFile
from serviceexecution.store.store import ResultStore

REF = ExecutionReference("team-a", "sum", "5c0f8a6e-0000-4000-8000-000000000001")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ODD_PATHS = [
    "manifest.json", "log/x", "log.json", "output/manifest.json", "new\nline", "%41", "q?x=1", "a b", "a#1",
    "b#", "\u00fc", "u\u0308", "n" * 255, "\U0001f600" * 63, ".hidden", "...", "back\\slash", "-", "~", "*[x]",
    "dir/sub dir/%2F", "a" + "/d" * 100, "quote\"'", "tab\t", "\x7f", "CON", "!!x",
]  # fmt: skip


async def one(*chunks):
    for chunk in chunks:
        yield chunk


async def everything(stream):
    return b"".join([chunk async for chunk in stream.chunks])


def manifest(*files, attempt=1):
    return OutputManifest(
        attempt=attempt,
        pod_uid="pod",
        files=files,
        total_bytes=sum(file.size for file in files),
        committed_at=NOW,
    )


async def test_odd_paths_come_back(store):
    for path in ODD_PATHS:
        await store.outputs.of(REF, 1).write(path, one(path.encode()))
    for path in ODD_PATHS:
        assert await everything(await store.outputs.of(REF, 1).open(path)) == path.encode()
    assert len(await store.outputs.of(REF, 1).list()) == len(ODD_PATHS)
    assert await store.outputs.read_manifest(REF) is None
    assert await store.logs.read_record(REF) is None
    assert await store.logs.of(REF, 1).sizes() == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60), st.binary())
def test_any_name_comes_back(store, name, content):
    if name in {".", ".."}:
        return

    async def there_and_back():
        written = await store.outputs.of(REF, 1).write(f"d/{name}", one(content))
        assert written.file.sha256 == hashlib.sha256(content).hexdigest()
        assert await everything(await store.outputs.of(REF, 1).open(f"d/{name}")) == content

    asyncio.run(there_and_back())


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 1024 * 1024 + 1, 20 * 1024 * 1024 + 7])
async def test_outputs_of_all_sizes_come_back_the_same(store, size):
    data = os.urandom(size)
    pieces = [data[start : start + 300_000] for start in range(0, size, 300_000)]
    written = await store.outputs.of(REF, 1).write("f.bin", one(*pieces))
    assert written.file == StoredFile(
        path="f.bin",
        size=size,
        sha256=hashlib.sha256(data).hexdigest(),
        media_type="application/octet-stream",
    )
    stream = await store.outputs.of(REF, 1).open("f.bin")
    assert (stream.size, stream.start, stream.end) == (size, 0, size)
    assert await everything(stream) == data
    assert await store.outputs.of(REF, 1).digest("f.bin") == (size, written.file.sha256)
    listed = (await store.outputs.of(REF, 1).list())["f.bin"]
    assert (listed.size, listed.etag) == (size, written.etag)


async def test_a_range_of_an_output_is_read(store):
    await store.outputs.of(REF, 1).write("f", one(b"0123456789"))
    stream = await store.outputs.of(REF, 1).open("f", (3, 5))
    assert (stream.size, stream.start, stream.end) == (10, 3, 5)
    assert await everything(stream) == b"34"


@pytest.mark.parametrize("size", [10, 9_000_000])
async def test_broken_upload_keeps_the_old_content(store, tmp_path, size):
    async def broken():
        yield b"x" * size
        raise ConnectionAbortedError

    await store.outputs.of(REF, 1).write("f", one(b"old"))
    with pytest.raises((ConnectionAbortedError, StoreError)):
        await store.outputs.of(REF, 1).write("f", broken())
    assert await everything(await store.outputs.of(REF, 1).open("f")) == b"old"
    assert not [name for _, _, names in os.walk(tmp_path) for name in names if "#" in name]


async def test_an_output_that_is_written_again_is_replaced(store):
    first = await store.outputs.of(REF, 1).write("f", one(b"one"))
    second = await store.outputs.of(REF, 1).write("f", one(b"other"))
    assert first.etag != second.etag
    assert await everything(await store.outputs.of(REF, 1).open("f")) == b"other"


async def test_file_that_became_a_directory_and_back(store):
    async def write_until_done(path):
        for _ in range(2):
            try:
                return await store.outputs.of(REF, 1).write(path, one(path.encode()))
            except StoreError:
                continue
        pytest.fail(f"{path} cannot be written")

    await write_until_done("a/b")
    await write_until_done("a/b/c/d")
    assert await everything(await store.outputs.of(REF, 1).open("a/b/c/d")) == b"a/b/c/d"
    await write_until_done("a/b")
    assert await everything(await store.outputs.of(REF, 1).open("a/b")) == b"a/b"


async def test_commit_deletes_what_it_does_not_list(store):
    kept = await store.outputs.of(REF, 1).write("kept", one(b"1"))
    await store.outputs.of(REF, 1).write("gone", one(b"2"))
    await store.outputs.commit(REF, manifest(kept.file))
    assert set(await store.outputs.of(REF, 1).list()) == {"kept"}
    assert (await store.outputs.read_manifest(REF)) == manifest(kept.file)
    await store.outputs.commit(REF, manifest(kept.file))  # once more is fine


async def test_later_attempt_replaces_only_when_it_commits(store):
    first = await store.outputs.of(REF, 1).write("f", one(b"first"))
    await store.outputs.commit(REF, manifest(first.file))
    second = await store.outputs.of(REF, 2).write("f", one(b"second"))
    assert await everything(await store.outputs.of(REF, 1).open("f")) == b"first"
    await store.outputs.commit(REF, manifest(second.file, attempt=2))
    assert (await store.outputs.read_manifest(REF)).attempt == 2
    assert await everything(await store.outputs.of(REF, 2).open("f")) == b"second"
    assert await store.outputs.of(REF, 1).open("f") is None


async def test_directory_store_refuses_a_manifest_without_its_files(tmp_path):
    store = ResultStore.open(f"file://{tmp_path}/store", "c")
    missing = StoredFile(path="f", size=1, sha256="0", media_type="text/plain")
    with pytest.raises(StoreError):
        await store.outputs.commit(REF, manifest(missing))
    assert await store.outputs.read_manifest(REF) is None


async def test_commit_of_many_files(store):
    files = [(await store.outputs.of(REF, 1).write(f"d/{number}", one(b"x"))).file for number in range(40)]
    await store.outputs.commit(REF, manifest(*files))
    assert len((await store.outputs.read_manifest(REF)).files) == 40


async def test_what_is_missing_in_the_store_is_nothing(store):
    assert await store.outputs.of(REF, 1).open("f") is None
    assert await store.outputs.of(REF, 1).digest("f") is None
    assert await store.logs.read_stdout_result(REF) is None
    await store.outputs.of(REF, 1).delete("f")
    await store.delete_execution(REF.namespace, REF.uid)
    with pytest.raises(StoreError):
        await store.logs.of(REF, 1).read(1)
    with pytest.raises(InvalidOutputPathError):
        await store.outputs.of(REF, 1).write("../x", one(b""))


async def test_chunks_of_a_log_are_kept_by_attempt(store):
    await store.logs.of(REF, 1).write(2, b"22\n")
    await store.logs.of(REF, 1).write(1, b"1\n")
    await store.logs.of(REF, 2).write(1, b"second attempt\n")
    assert await store.logs.of(REF, 1).sizes() == [(1, 2), (2, 3)]
    assert await store.logs.of(REF, 1).read(2) == b"22\n"
    assert await store.logs.of(REF, 2).read(1) == b"second attempt\n"
    await store.logs.write_stdout_result(REF, b'{"a": 1.0}')
    record = LogRecord(
        pod_uid="p", bytes=5, lines=2, stdout_result=StdoutResult(size=10, sha256="0"), committed_at=NOW
    )
    await store.logs.commit(REF, record)
    assert await store.logs.read_record(REF) == record
    assert await store.logs.read_stdout_result(REF) == b'{"a": 1.0}'


async def test_a_log_is_begun_by_its_first_chunk_or_by_a_record(store):
    assert not await store.logs.is_begun(REF, 1)
    await store.logs.of(REF, 2).write(1, b"second attempt\n")
    assert [await store.logs.is_begun(REF, attempt) for attempt in (1, 2)] == [False, True]
    await store.logs.commit(REF, LogRecord(attempt=2, pod_uid="p", bytes=5, lines=2, committed_at=NOW))
    assert await store.logs.is_begun(REF, 1), "a record of another attempt is to be seen too"


async def test_all_chunks_of_a_log_are_on_disk_before_its_record(tmp_path, monkeypatch):
    store = ResultStore.open(f"file://{tmp_path}", "test")
    synced: list[str] = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    for sequence in (1, 2):
        await store.logs.of(REF, 1).write(sequence, b"line\n")
    await store.logs.commit(REF, LogRecord(pod_uid="p", bytes=5, lines=2, committed_at=NOW))
    assert {"00000001", "00000002", "log"} <= set(synced[: synced.index("log.json")])


async def test_a_directory_that_is_gone_takes_no_record_of_a_log(tmp_path):
    store = ResultStore.open(f"file://{tmp_path}/store", "test")
    (tmp_path / "store").rmdir()
    with pytest.raises(StoreError, match="cannot sync"):
        await store.logs.commit(REF, LogRecord(pod_uid="p", bytes=0, lines=0, committed_at=NOW))


async def test_executions_are_listed_and_deleted(store, tmp_path):
    other = ExecutionReference("team-b", "sum", "0b")
    written = await store.outputs.of(REF, 1).write("deep/f", one(b"1"))
    await store.outputs.commit(REF, manifest(written.file))
    await store.logs.of(other, 1).write(1, b"x\n")
    await store.check()
    assert [item async for item in store.list_executions()] == [("team-a", REF.uid), ("team-b", "0b")]
    await store.delete_execution(REF.namespace, REF.uid)
    assert [item async for item in store.list_executions()] == [("team-b", "0b")]
    assert await store.outputs.read_manifest(REF) is None


async def test_another_cluster_sees_nothing(tmp_path):
    url = f"file://{tmp_path}/store"
    await ResultStore.open(url, "one").outputs.of(REF, 1).write("f", one(b"1"))
    assert [item async for item in ResultStore.open(url, "two").list_executions()] == []


async def test_deleting_removes_what_an_interrupted_write_left(tmp_path):
    store = ResultStore.open(f"file://{tmp_path}/store", "c")
    await store.outputs.of(REF, 1).write("f", one(b"1"))
    directory = tmp_path / "store" / "c" / REF.namespace / REF.uid
    (directory / "output" / "big.bin#1").write_bytes(b"half")
    assert set(await store.outputs.of(REF, 1).list()) == {"f"}
    await store.delete_execution(REF.namespace, REF.uid)
    assert not directory.exists()


async def test_a_corrupt_record_is_an_error(tmp_path):
    store = ResultStore.open(f"file://{tmp_path}/store", "c")
    await store.outputs.commit(REF, manifest())
    (tmp_path / "store" / "c" / REF.namespace / REF.uid / "manifest.json").write_text('{"version": 1')
    with pytest.raises(CorruptRecordError):
        await store.outputs.read_manifest(REF)


def test_record_ignores_members_of_newer_versions():
    text = '{"podUid": "p", "committedAt": "2026-11-23T12:00:00Z", "future": 1}'
    assert OutputManifest.model_validate_json(text).pod_uid == "p"


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("", {}),
        ("bogus://x", {}),
        ("file://relative", {}),
        ("file:///proc/nope", {}),
        ("memory:///", {"timeout": "5s"}),
        ("s3://bucket", {"bogus": "1", "region": "us-east-1"}),
    ],
)
def test_bad_configuration_is_one_error(url, options):
    with pytest.raises(StoreConfigurationError):
        ResultStore.open(url, "c", options)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (
            "s3://bucket/some/prefix",
            {
                "endpoint": "http://minio:9000",
                "aws_region": "us-east-1",
                "allow_http": "true",
                "timeout": "30s",
            },
        ),
        ("az://container/prefix", {"account_name": "x", "account_key": "eA=="}),
    ],
)
def test_object_stores_open_by_their_urls(url, options):
    assert isinstance(ResultStore.open(url, "c", options), ResultStore)


def test_a_bad_cluster_id_is_refused(tmp_path):
    with pytest.raises(StoreConfigurationError):
        ResultStore.open("memory:///", "a/b")
