"""What is unused of data pools goes a retention after that was first seen, and nothing else does."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from serviceexecution.store.pools.changes import Change
from serviceexecution.store.pools.keys import PoolReference, PoolWriter
from serviceexecution.store.pools.pool_sweep import Running, plan_pool, sweep_pools
from serviceexecution.store.pools.pool_writes import BroughtFile
from serviceexecution.store.pools.records import PoolFile, PoolIndex, file_id

UID = "0f3c2f5e-6a8e-4a53-9a2c-4c8d3a1d2b11"
POOL = PoolReference("team", UID)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
AGE = timedelta(days=7)


async def put(store, before, name, content):
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    blob = await store.pools.write_blob(POOL, chunks())
    file = PoolFile(
        name=name,
        id=file_id(UID, name),
        sha256=blob.sha256,
        size=blob.size,
        content_type="a/b",
        created_at=NOW,
        blob=blob.blob,
    )
    planned = await store.pools.plan(POOL, before, [Change.put(file)])
    await store.pools.write_index(POOL, planned)
    await store.pools.note_content(POOL, file)
    return planned.index


async def sweep(store, heads, now, running=(), **more):
    rules = {"namespaces": None, "age": AGE, "largest_share": 0.5, "always_allowed": 1, **more}
    executions = frozenset(more.pop("executions", ()))
    rules.pop("executions", None)
    return await sweep_pools(store.pool_sweep, heads, Running(running, executions), now, **rules)


async def read(store, index):
    found = {}
    for file in await store.pools.files(POOL, index):
        stream = await store.pools.open_blob(POOL, file.blob)
        found[file.name] = None if stream is None else b"".join([part async for part in stream.chunks])
    return found


async def test_replaced_content_goes_a_retention_later(store):
    one = await put(store, PoolIndex(), "a", b"old")
    two = await put(store, one, "a", b"new")
    heads = {POOL: two.digest}
    assert (await sweep(store, heads, NOW)).deleted == 0
    assert (await sweep(store, heads, NOW + AGE - timedelta(seconds=1))).deleted == 0
    assert await read(store, one) == {"a": b"old"}
    assert (await sweep(store, heads, NOW + AGE)).deleted == 4  # Root, shard, content, and the note about it
    assert await read(store, two) == {"a": b"new"}
    assert (await sweep(store, heads, NOW + 2 * AGE)).deleted == 0


async def test_a_volume_s_secret_goes_with_its_data_pool_and_never_before(store):
    await store.pools.write_secret(POOL, "datapool-models-1", b"s" * 32)
    for days in range(0, 30, 3):
        await sweep(store, {POOL: None}, NOW + timedelta(days=days))
    assert await store.pools.read_secret(POOL, "datapool-models-1") == b"s" * 32
    for days in (30, 60):
        await sweep(store, {}, NOW + timedelta(days=days))
    assert await store.pools.read_secret(POOL, "datapool-models-1") is None


async def test_what_a_program_runs_with_stays(store):
    one = await put(store, PoolIndex(), "a", b"old")
    two = await put(store, one, "a", b"new")
    heads = {POOL: two.digest}
    for days in range(0, 30, 3):
        await sweep(store, heads, NOW + timedelta(days=days), running=[one.digest])
    assert await read(store, one) == {"a": b"old"}


async def test_states_that_share_their_parts_are_read_once(store, monkeypatch):
    states = [await put(store, PoolIndex(), "a", b"0")]
    for number in range(20):
        states.append(await put(store, states[-1], "b", b"%d" % number))
    read_keys = []
    get = store.pools._objects.get

    async def counted(key):
        read_keys.append(key)
        return await get(key)

    monkeypatch.setattr(store.pools._objects, "get", counted)
    running = [state.digest for state in states]
    assert (await sweep(store, {POOL: states[-1].digest}, NOW, running=running)).deleted == 0
    shards = [key for key in read_keys if "/shards/" in key]
    assert len(shards) == len(set(shards)) == 21
    monkeypatch.undo()
    await sweep(store, {POOL: states[-1].digest}, NOW + AGE, running=running)
    assert await read(store, states[0]) == {"a": b"0"}
    assert await read(store, states[7]) == {"a": b"0", "b": b"6"}


def test_a_hundred_thousand_replaced_files_are_planned_in_a_moment():
    stored = [f"blobs/{number:032x}" for number in range(100_000)]
    notes = dict.fromkeys(stored[::2], (NOW - AGE).isoformat())
    begun = time.monotonic()
    plan = plan_pool(stored, (), notes, NOW, AGE)
    assert time.monotonic() - begun < 5
    assert plan.delete == tuple(stored[::2])
    assert plan.notes == dict.fromkeys(stored[1::2], NOW.isoformat())


async def test_an_upload_under_way_is_not_disturbed_however_short_the_retention_is(store):
    head = await put(store, PoolIndex(), "a", b"1")
    unnamed = await put(store, head, "b", b"2")  # Its head is not moved yet
    for minutes in (0, 30, 59):
        await sweep(store, {POOL: head.digest}, NOW + timedelta(minutes=minutes), age=timedelta(0))
    assert await read(store, unnamed) == {"a": b"1", "b": b"2"}
    await sweep(store, {POOL: unnamed.digest}, NOW + timedelta(hours=2), age=timedelta(0))
    assert await read(store, unnamed) == {"a": b"1", "b": b"2"}


async def test_a_pool_whose_index_is_damaged_is_left_alone(store):
    one = await put(store, PoolIndex(), "a", b"1")
    two = await put(store, one, "a", b"2")
    key = f"cluster-1/!pools/team/{UID}/shards/{next(iter(two.root.shards.values()))}"
    await store.pools._objects.put(key, b"{}")
    for days in (0, 8):
        result = await sweep(store, {POOL: two.digest}, NOW + timedelta(days=days))
        assert (result.deleted, "damaged" in result.failed) == (0, True)


async def test_a_pool_that_has_lost_its_status_or_its_root_is_left_alone(store):
    one = await put(store, PoolIndex(), "a", b"1")
    await put(store, one, "a", b"2")
    for days in (0, 8):
        assert (await sweep(store, {POOL: None}, NOW + timedelta(days=days))).deleted == 0
    await store.pools._objects.delete([f"cluster-1/!pools/team/{UID}/roots/{one.digest}"])
    for days in (0, 8):
        result = await sweep(store, {POOL: one.digest}, NOW + timedelta(days=days))
        assert (result.deleted, "missing" in result.failed) == (0, True)


async def test_a_pool_that_is_gone_goes_a_retention_later(store):
    await put(store, PoolIndex(), "a", b"1")
    assert (await sweep(store, {}, NOW)).gone == ()
    assert (await sweep(store, {}, NOW + AGE)).gone == (POOL,)
    assert await store.pools._objects.list("cluster-1/!pools") == {}


async def test_a_pool_that_is_back_is_kept(store):
    head = await put(store, PoolIndex(), "a", b"1")
    await sweep(store, {}, NOW)
    await sweep(store, {POOL: head.digest}, NOW + AGE)
    assert (await sweep(store, {}, NOW + AGE)).gone == ()
    assert await read(store, head) == {"a": b"1"}


async def test_many_pools_that_are_gone_at_once_are_a_restored_cluster(store):
    for number in range(4):
        other = PoolReference("team", f"0f3c2f5e-6a8e-4a53-9a2c-4c8d3a1d2b0{number}")

        async def chunks() -> AsyncIterator[bytes]:
            yield b"x"

        await store.pools.write_blob(other, chunks())
    await sweep(store, {}, NOW)
    result = await sweep(store, {}, NOW + AGE)
    assert (result.gone, "4 data pools" in result.refused) == ((), True)
    assert len(await store.pool_sweep.list_pools()) == 4
    assert len((await sweep(store, {}, NOW + AGE, largest_share=1.0)).gone) == 4


async def test_what_a_running_execution_has_brought_stays(store):
    head = await put(store, PoolIndex(), "a", b"1")
    writer = PoolWriter("5c0f8a6e-0000-4000-8000-000000000001", 1)
    other = PoolWriter("5c0f8a6e-0000-4000-8000-000000000002", 1)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"brought"

    for one in (writer, other):
        blob = await store.pools.write_blob(POOL, chunks())
        await store.pool_writes.add(
            POOL, one, BroughtFile(file_id(UID, "b"), blob.sha256, blob.size), blob.blob
        )
    state = await put(store, head, "c", b"2")
    await store.pool_writes.add_index(POOL, writer, state.digest)
    for days in (0, 7, 14):
        now = NOW + timedelta(days=days)
        await sweep(store, {POOL: head.digest}, now, executions={writer.execution})
    assert (await store.pool_writes.brought(POOL, other)).blobs == {}
    assert await read(store, state) == {"a": b"1", "c": b"2"}
    brought = await store.pool_writes.brought(POOL, writer)
    (blob,) = brought.blobs.values()
    assert await store.pools.open_blob(POOL, blob) is not None
    await sweep(store, {POOL: head.digest}, NOW + timedelta(days=21))
    await sweep(store, {POOL: head.digest}, NOW + timedelta(days=28))
    assert await store.pools.open_blob(POOL, blob) is None
    assert await read(store, head) == {"a": b"1"}
