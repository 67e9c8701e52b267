"""Files of data pools: content, and the indexes that list it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from serviceexecution.store.errors import CorruptRecordError, StoreConfigurationError, StoreError
from serviceexecution.store.pools.changes import Change, next_index
from serviceexecution.store.pools.keys import PoolReference
from serviceexecution.store.pools.records import PoolFile, PoolIndex, file_id, shard_of
from serviceexecution.store.store import ResultStore

UID = "0f3c2f5e-6a8e-4a53-9a2c-4c8d3a1d2b11"
POOL = PoolReference("team", UID)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def file(name: str, content: bytes = b"x", blob: str = "0" * 32) -> PoolFile:
    return PoolFile(
        name=name,
        id=file_id(UID, name),
        sha256=f"{len(content):064x}",
        size=len(content),
        content_type="text/plain",
        created_at=NOW,
        blob=blob,
    )


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def written(store: ResultStore, before: PoolIndex, *changes: Change) -> PoolIndex:
    planned = await store.pools.plan(POOL, before, changes)
    await store.pools.write_index(POOL, planned)
    return planned.index


async def names(store: ResultStore, index: PoolIndex) -> list[str]:
    return [found.name for found in await store.pools.files(POOL, index)]


async def test_content_has_its_digest_and_size_and_can_be_read_in_parts(store):
    blob = await store.pools.write_blob(POOL, chunks(b"hello ", b"world"))
    assert (blob.size, blob.sha256) == (
        11,
        "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
    )
    whole = await store.pools.open_blob(POOL, blob.blob)
    assert b"".join([part async for part in whole.chunks]) == b"hello world"
    some = await store.pools.open_blob(POOL, blob.blob, (6, 9))
    assert b"".join([part async for part in some.chunks]) == b"wor"
    assert some.size == 11


async def test_content_whose_sender_fails_is_not_kept(store):
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        raise EOFError

    with pytest.raises(EOFError):
        await store.pools.write_blob(POOL, broken())
    assert await store.pools._objects.list(f"cluster-1/!pools/team/{UID}") == {}


async def test_states_of_a_pool_stay_as_they_were(store):
    one = await written(store, PoolIndex(), Change.put(file("a")), Change.put(file("b", b"yy")))
    two = await written(store, one, Change.put(file("a", b"zzz")), Change(file_id(UID, "b")))
    assert (one.files, one.bytes, await names(store, one)) == (2, 3, ["a", "b"])
    assert (two.files, two.bytes, await names(store, two)) == (1, 3, ["a"])
    again = await store.pools.read_index(POOL, one.digest)
    assert again == one
    assert two.root.previous == one.digest
    found = await store.pools.find(POOL, one, file_id(UID, "b"))
    assert found == file("b", b"yy")
    assert await store.pools.find(POOL, two, file_id(UID, "b")) is None


async def test_a_change_that_changes_nothing_is_no_new_state(store):
    one = await written(store, PoolIndex(), Change.put(file("a")))
    assert await written(store, one, Change.put(file("a")), Change(file_id(UID, "none"))) == one
    assert await written(store, PoolIndex(), Change(file_id(UID, "none"))) == PoolIndex()


async def test_a_state_never_comes_back_with_the_digest_of_an_earlier_one(store):
    one = await written(store, PoolIndex(), Change.put(file("a")))
    two = await written(store, one, Change.put(file("b")))
    three = await written(store, two, Change(file_id(UID, "b")))
    assert await names(store, three) == ["a"]
    assert three.digest != one.digest


async def test_an_upload_into_a_pool_of_10_000_files_writes_some_kilobytes(store):
    if store.pools._objects.root is None:
        pytest.skip("sizes are the same everywhere")
    many = [Change.put(file(f"measurement {number:05}.csv")) for number in range(10_000)]
    index = await written(store, PoolIndex(), *many)
    planned = await store.pools.plan(POOL, index, [Change.put(file("one more"))])
    assert len(planned.shards) == 1
    assert len(planned.root) + sum(map(len, planned.shards.values())) < 50_000
    assert len(await names(store, index)) == 10_000


async def test_a_damaged_or_missing_part_is_an_error_and_no_empty_pool(store):
    index = await written(store, PoolIndex(), Change.put(file("a")))
    (digest,) = index.root.shards.values()
    key = f"cluster-1/!pools/team/{UID}/shards/{digest}"
    text = await store.pools._objects.get(key)
    await store.pools._objects.put(key, json.dumps({**json.loads(text), "files": []}).encode())
    with pytest.raises(CorruptRecordError, match="damaged"):
        await store.pools.files(POOL, index)
    await store.pools._objects.delete([key])
    with pytest.raises(StoreError, match="missing"):
        await store.pools.find(POOL, index, file_id(UID, "a"))


async def test_known_content_is_found_only_while_a_file_of_the_state_has_it(store):
    known = file("a", b"content")
    index = await written(store, PoolIndex(), Change.put(known))
    await store.pools.note_content(POOL, known)
    assert await store.pools.find_content(POOL, index, known.sha256) == known
    later = await written(store, index, Change.put(file("a", b"something else")))
    assert await store.pools.find_content(POOL, later, known.sha256) is None
    assert await store.pools.find_content(POOL, index, "f" * 64) is None


@pytest.mark.parametrize("blob", ["../../x", "", "A" * 32, "0" * 33])
async def test_nothing_outside_of_the_pool_can_be_named(store, blob):
    with pytest.raises(StoreConfigurationError):
        await store.pools.open_blob(POOL, blob)


async def test_pools_are_no_executions(store):
    await written(store, PoolIndex(), Change.put(file("a")))
    assert [found async for found in store.list_executions()] == []


def test_names_keep_their_ids():
    assert file_id(UID, "a b#?ü.csv") == file_id(UID, "a b#?ü.csv")
    assert file_id(UID, "a") != file_id(UID, "A")
    assert 0 <= int(shard_of(file_id(UID, "a")), 16) < 128


def test_the_later_change_of_a_file_counts():
    first, second = Change.put(file("a", b"1")), Change.put(file("a", b"22"))
    assert next_index(PoolIndex(), {}, [first, second], nonce="n").index.bytes == 2
    assert next_index(PoolIndex(), {}, [first, Change(first.id)], nonce="n").index == PoolIndex()
