"""Findings H4 (logs/chunks.py) and controller 8b: what a program prints costs the store and the controller little.

Each test fails on 9b98b50.
"""

import tracemalloc

from serviceexecution.contract.stdout_results import BLOCK_MARKER, INTERIM_PREFIX, StdoutResultScanner
from serviceexecution.logs.chunks import ChunkLog
from serviceexecution.logs.lines import LineSplitter
from serviceexecution.logs.memory import FREE_LINE_BYTES, LogMemory
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.store import ResultStore

REF = ExecutionReference("team-evil", "run", "uid-1")
STAMP = b"2026-11-23T14:18:55.645123456Z"
MIB = 1024**2


async def stored_bytes(store: ResultStore) -> int:
    return sum(size for _, size in await store.logs.of(REF, 1).sizes())


async def print_empty_lines(store: ResultStore, *, limit: int, lines: int) -> ChunkLog:
    log = ChunkLog(store, REF, attempt=1, limit_bytes=limit, flush_bytes=MIB)
    await log.load()
    block = (STAMP + b" \n") * 1000
    for _ in range(lines // 1000):
        log.append(block)
        await log.flush()
    return log


async def test_empty_lines_take_no_more_of_the_store_than_twice_the_logs_limit():
    store = ResultStore.open("memory:///", "test")
    log = await print_empty_lines(store, limit=100_000, lines=50_000)
    assert await stored_bytes(store) <= 2 * 100_000 + 64
    assert log.truncated
    record = await log.commit(pod_uid="pod", complete=True)
    assert record.truncated


async def test_a_successor_keeps_nothing_behind_the_place_where_a_log_was_full():
    store = ResultStore.open("memory:///", "test")
    await print_empty_lines(store, limit=100_000, lines=50_000)
    full = await stored_bytes(store)
    log = await print_empty_lines(store, limit=100_000, lines=1000)
    assert await stored_bytes(store) == full
    assert log.truncated


async def test_ordinary_lines_are_kept_up_to_the_limit_of_their_text():
    store = ResultStore.open("memory:///", "test")
    log = ChunkLog(store, REF, attempt=1, limit_bytes=100_000, flush_bytes=MIB)
    log.append((STAMP + b" " + b"x" * 99 + b"\n") * 1000)
    assert not log.truncated
    record = await log.commit(pod_uid="pod", complete=True)
    assert (record.bytes, record.lines) == (100_000, 1000)


def test_an_open_block_of_short_lines_takes_its_bytes_and_no_multiple():
    scanner = StdoutResultScanner()
    tracemalloc.start()
    try:
        scanner.feed(BLOCK_MARKER)
        for _ in range(340_000):
            scanner.feed("ab")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 * MIB


def test_interim_results_are_bounded_in_number():
    scanner = StdoutResultScanner()
    for _ in range(20_000):
        scanner.feed(f"{INTERIM_PREFIX} {{}}")
    assert len(scanner.interim) <= 4096


def test_lines_without_an_end_take_no_more_than_half_of_the_room_for_one_namespace():
    memory = LogMemory(long_lines=8 * MIB)

    def begin(namespace: str) -> LineSplitter:
        splitter = LineSplitter(room=memory.share(namespace).hold)
        for _ in range(64):
            splitter.feed(b"x" * 65_536)
        return splitter

    evil = [begin("team-evil") for _ in range(50)]
    held = sum(len(splitter.rest) for splitter in evil)
    assert held <= 4 * MIB + 50 * (FREE_LINE_BYTES + 65_536)
    witness = begin("team-witness")
    assert len(witness.rest) >= MIB
    assert all(splitter.cut for splitter in evil[1:])


def test_room_that_a_log_gave_back_is_there_for_others():
    memory = LogMemory(long_lines=4 * MIB)
    first = memory.share("a")
    assert first.hold(2 * MIB)
    assert not memory.share("a").hold(MIB)
    first.close()
    first.close()
    assert memory.share("a").hold(2 * MIB)


def test_lines_that_wait_for_the_store_are_bounded_over_all_logs():
    memory = LogMemory(pending=64 * MIB)
    shares = [memory.share(f"team-{number}") for number in range(1000)]
    assert sum(share.flush_bytes(MIB) for share in shares) <= 64 * MIB
    for share in shares[1:]:
        share.close()
    assert shares[0].flush_bytes(MIB) == MIB
