"""A directory store that is full, read-only or gone: on a small file system of its own."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError, StoreFullError, StoreUnwritableError
from serviceexecution.store.records import OutputManifest
from serviceexecution.store.store import ResultStore
from serviceexecution.store.sweep import SweepRules, sweep

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts file systems")

REFERENCE = ExecutionReference("team", "sum", "uid")
OTHER = ExecutionReference("team", "n", "other")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=8)
RULES = SweepRules(tombstone_age=timedelta(days=7))


def run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    run("mount", "-t", "tmpfs", "-o", "size=1m", "store", tmp_path)
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=False)


@pytest.fixture
def store(directory: Path) -> ResultStore:
    return ResultStore.open(f"file://{directory}/store", "cluster-1")


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def nobody() -> set[str]:
    return set()


async def fill(store: ResultStore) -> None:
    for number in range(1, 200):
        await store.logs.of(OTHER, 1).write(number, bytes(4096))


async def kept(store: ResultStore) -> OutputManifest:
    await store.check()
    written = await store.outputs.of(REFERENCE, 1).write("a", chunks(bytes(500_000)))
    manifest = OutputManifest(pod_uid="pod", files=(written.file,), total_bytes=500_000, committed_at=NOW)
    await store.outputs.commit(REFERENCE, manifest)
    await store.notes.write_tombstone("team", "uid", NOW)
    return manifest


async def test_a_full_file_system_gives_its_results_and_is_swept(store: ResultStore) -> None:
    manifest = await kept(store)
    with pytest.raises(StoreFullError):
        await store.outputs.of(OTHER, 1).write("large", chunks(bytes(900_000)))
    with pytest.raises(StoreFullError):
        await fill(store)
    assert await store.outputs.read_manifest(REFERENCE) == manifest
    await store.check()
    assert (await sweep(store, nobody, LATER, rules=RULES)).delete == (("team", "uid"),)
    await store.outputs.of(OTHER, 1).write("small", chunks(bytes(200_000)))


async def test_a_read_only_file_system_gives_its_results_and_says_why_it_takes_none(
    store: ResultStore, directory: Path
) -> None:
    manifest = await kept(store)
    await store.check()
    run("mount", "-o", "remount,ro", directory)
    with pytest.raises(StoreUnwritableError):
        await store.logs.of(REFERENCE, 1).write(1, b"x")
    assert await store.outputs.read_manifest(REFERENCE) == manifest
    await store.check()
    plan = await sweep(store, nobody, LATER, rules=RULES)
    assert plan.delete == ()
    assert "Read-only" in plan.failed
    run("mount", "-o", "remount,rw", directory)
    assert (await sweep(store, nobody, LATER, rules=RULES)).delete == (("team", "uid"),)


async def test_a_file_system_that_is_not_mounted_is_no_empty_store(
    store: ResultStore, directory: Path
) -> None:
    await kept(store)
    run("umount", directory)
    with pytest.raises(StoreError, match="directory is gone"):
        await store.outputs.read_manifest(REFERENCE)
    with pytest.raises(StoreError, match="directory is gone"):
        await sweep(store, nobody, LATER, rules=RULES)
