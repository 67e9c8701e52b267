import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from serviceexecution.resources.reference import revision_reference
from serviceexecution.store.errors import CorruptRecordError, SourceMismatchError, StoreConfigurationError
from serviceexecution.store.records import BuildReport, BuildSeconds

LARGE = b"0123456789abcdef" * 64 * 1024 * 10
REF = revision_reference("team-a", "sum", "5c0f8a6e-0000-4000-8000-000000000001", "r3")


async def pieces(data, size=100_000):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def broken(data):
    yield data
    raise RuntimeError("cut")


async def everything(stream):
    return b"".join([chunk async for chunk in stream.chunks])


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("data", [b"", b"small", LARGE], ids=["empty", "small", "large"])
async def test_an_archive_comes_back(store, data):
    digest = sha256(data)
    assert await store.sources.stat_source("team-a", digest) is None
    assert await store.sources.open_source("team-a", digest) is None
    assert await store.sources.write_source("team-a", digest, pieces(data)) == len(data)
    found = await store.sources.stat_source("team-a", digest)
    assert found.size == len(data)
    assert abs(found.uploaded_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert await everything(await store.sources.open_source("team-a", digest)) == data
    assert await store.sources.list_sources() == {("team-a", digest): found}


async def test_namespaces_do_not_share_archives(store):
    await store.sources.write_source("team-a", sha256(b"x"), pieces(b"x"))
    assert await store.sources.stat_source("team-b", sha256(b"x")) is None


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_an_archive_with_another_digest_is_not_kept(store, data):
    digest = sha256(b"another")
    with pytest.raises(SourceMismatchError, match="it was changed or cut"):
        await store.sources.write_source("team-a", digest, pieces(data))
    assert await store.sources.list_sources() == {}
    await store.sources.write_source("team-a", digest, pieces(b"another"))
    with pytest.raises(SourceMismatchError):
        await store.sources.write_source("team-a", digest, pieces(data))
    assert await everything(await store.sources.open_source("team-a", digest)) == b"another"


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_an_upload_that_breaks_leaves_nothing(store, data):
    with pytest.raises(RuntimeError):
        await store.sources.write_source("team-a", sha256(data), broken(data))
    assert await store.sources.list_sources() == {}


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_an_archive_of_which_nobody_knows_the_digest_is_kept_under_it(store, data):
    for _ in range(2):
        assert await store.sources.write_new_source("team-a", pieces(data)) == sha256(data)
        assert [*await store.sources.list_sources()] == [("team-a", sha256(data))]
    assert await everything(await store.sources.open_source("team-a", sha256(data))) == data
    with pytest.raises(RuntimeError):
        await store.sources.write_new_source("team-a", broken(data))
    assert [*await store.sources.list_sources()] == [("team-a", sha256(data))]


async def test_what_is_left_of_an_upload_is_an_archive_that_nothing_names(store, monkeypatch):
    async def killed(key, new):
        raise RuntimeError

    monkeypatch.setattr(store.sources._objects, "rename", killed)
    with pytest.raises(RuntimeError):
        await store.sources.write_new_source("team-a", pieces(b"x"))
    ((namespace, digest),) = await store.sources.list_sources()
    assert namespace == "team-a"
    assert digest != sha256(b"x")


@pytest.mark.parametrize("digest", ["", "sha256:" + "0" * 64, "A" * 64, "../" + "0" * 61, "0" * 63])
async def test_only_digests_name_archives(store, digest):
    with pytest.raises(StoreConfigurationError):
        await store.sources.write_source("team-a", digest, pieces(b""))


async def test_a_deleted_archive_is_gone_and_may_be_deleted_again(store):
    await store.sources.write_source("team-a", sha256(b"x"), pieces(b"x"))
    await store.sources.delete_source("team-a", sha256(b"x"))
    await store.sources.delete_source("team-a", sha256(b"x"))
    assert await store.sources.list_sources() == {}


async def test_archives_are_no_executions(store):
    await store.sources.write_source("team-a", sha256(b"x"), pieces(b"x"))
    assert [one async for one in store.list_executions()] == []


async def test_a_report_comes_back_and_goes_with_its_build(store):
    report = BuildReport(
        job_uid="j1",
        succeeded=True,
        reason="Succeeded",
        image_digest="sha256:" + "a" * 64,
        input_schema={"type": "object"},
        seconds=BuildSeconds(build=1.5),
    )
    assert await store.reports.read(REF) is None
    await store.reports.write(REF, report)
    assert await store.reports.read(REF) == report
    assert [one async for one in store.list_executions()] == [("team-a", REF.uid)]
    await store.delete_execution(REF.namespace, REF.uid)
    assert await store.reports.read(REF) is None


async def test_what_is_no_report_is_told(store):
    await store._objects.put(f"cluster-1/team-a/{REF.uid}/build.json", b"{}")
    with pytest.raises(CorruptRecordError):
        await store.reports.read(REF)
