"""A node's clock that is set back while nobody reads a log: the kubelet leaves out lines that seem to be known."""

import asyncio
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serviceexecution.logs.chunks import ChunkLog
from serviceexecution.logs.follower import LogFollower
from serviceexecution.logs.gaps import is_gap_line
from serviceexecution.logs.slots import StreamSlots
from serviceexecution.logs.target import FollowedContainer
from serviceexecution.logs.timing import FollowerTiming
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.records import LogRecord
from serviceexecution.store.store import ResultStore
from tests.unit.logs.fake_kubelet import POD_UID, FakeKubelet

pytestmark = pytest.mark.timeout(120)

REFERENCE = ExecutionReference("ns", "sum", "uid-1")
QUICK = FollowerTiming(
    flush=0.01, burst_silence=0.02, ended_silence=0.05, poll=0.001, first_backoff=0.0001, last_backoff=0.001
)


def printed(*spans: tuple[float, int], each: float = 0.1) -> list[list[bytes]]:
    """Return lines for each (second of the clock at the beginning, count)."""
    number, parts = 0, []
    for begin, count in spans:
        part = []
        for index in range(count):
            minute, second = divmod(round(begin + index * each, 6), 60)
            part.append(f"2026-07-01T10:{int(minute):02}:{second:09.6f}000Z line {number}".encode())
            number += 1
        parts.append(part)
    return parts


def text(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def follower_of(kubelet: FakeKubelet, store: ResultStore, *, slots: int = 200) -> LogFollower:
    log = ChunkLog(store, REFERENCE, attempt=1, limit_bytes=1 << 30, flush_bytes=4096)
    target = FollowedContainer("ns", "pod", POD_UID, "main")
    return LogFollower(cast("Any", kubelet), log, target, slots=StreamSlots(slots), timing=QUICK)


async def follow(kubelet: FakeKubelet, store: ResultStore, *, slots: int = 200) -> LogRecord:
    async with asyncio.timeout(20):
        return await follower_of(kubelet, store, slots=slots).run()


async def lines_of(store: ResultStore) -> list[bytes]:
    chunks = store.logs.of(REFERENCE, 1)
    return b"".join([await chunks.read(sequence) for sequence, _ in await chunks.sizes()]).split(b"\n")[:-1]


async def read_in_two_parts(
    before: list[bytes], after: list[bytes], *, slots: int = 200, killed: bool = False
) -> tuple[FakeKubelet, list[bytes], LogRecord]:
    """Follow until ``before`` is stored; then ``after`` is printed while nobody reads, and the program ends."""
    kubelet, store = FakeKubelet(before, state="running"), ResultStore.open("memory:///", "test")
    task = asyncio.create_task(follower_of(kubelet, store, slots=slots).run())
    async with asyncio.timeout(20):
        while len(await lines_of(store)) < len(before):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        if killed:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await kubelet.say(*after, state="terminated")
        record = await (follower_of(kubelet, store, slots=slots).run() if killed else task)
    return kubelet, await lines_of(store), record


@pytest.mark.parametrize("step", [3.0, 60.0, 1200.0])
async def test_a_broken_stream_loses_nothing_when_the_clock_is_set_back_meanwhile(step: float) -> None:
    """The program prints for longer than the step, so that its last line is younger than all."""
    before, after = printed((1800, 50), (1805 - step, int(step * 10) + 100))
    kubelet, store = FakeKubelet([*before, *after]), ResultStore.open("memory:///", "test")
    kubelet.faults = iter([(len(text(before)), "break")])
    record = await follow(kubelet, store)
    assert await lines_of(store) == kubelet.lines
    assert (record.complete, record.gaps) == (True, None)
    assert [tail for _, _, tail in kubelet.opened] == [None, None, 2], "as many requests as without a step"


@pytest.mark.parametrize(("slots", "killed"), [(0, False), (200, True)])
async def test_lines_left_out_between_looks_at_a_log_are_said(slots: int, killed: bool) -> None:
    before, after = printed((1800, 50), (1802, 100))
    kubelet, lines, record = await read_in_two_parts(before, after, slots=slots, killed=killed)
    kept = [line for line in lines if not is_gap_line(line)]
    assert kept == [*before, *(line for line in after if line in kept)]
    assert kept[-1] == kubelet.lines[-1], "the end is known, and tells of nothing"
    assert len(kept) < len(kubelet.lines)
    assert not record.complete
    assert record.gaps is not None
    assert record.gaps.count == 1
    assert b"the node's clock was set back before they were read" in lines[-1]


@pytest.mark.parametrize(("slots", "killed"), [(0, False), (200, True)])
async def test_a_log_whose_clock_is_right_is_complete(slots: int, killed: bool) -> None:
    before, after = printed((1800, 50), (1805, 100))
    kubelet, lines, record = await read_in_two_parts(before, after, slots=slots, killed=killed)
    assert (lines, record.complete) == (kubelet.lines, True)
    looks = [since for follow, since, tail in kubelet.opened if not follow and since is not None]
    assert len([since for since in looks if since.year == 2000]) == 1, (
        "its file is read once as a whole, at the end"
    )


@pytest.mark.parametrize(("step", "gaps"), [(0.0, 0), (3.0, 1)])
async def test_of_a_log_too_large_to_read_again_new_lines_that_are_older_are_said(
    monkeypatch: pytest.MonkeyPatch, step: float, gaps: int
) -> None:
    monkeypatch.setattr("serviceexecution.logs.resumes.BURST_BYTES", 1000)
    monkeypatch.setattr("serviceexecution.logs.resumes.READ_AGAIN_BYTES", 1000)
    before, after = printed((1800, 50), (1805 - step, 100))
    kubelet, store = FakeKubelet([*before, *after]), ResultStore.open("memory:///", "test")
    kubelet.faults = iter([(len(text(before)), "break")])
    record = await follow(kubelet, store)
    lines = await lines_of(store)
    assert [is_gap_line(line) for line in lines].index(True) == 50 if gaps else lines == kubelet.lines
    assert (record.gaps.count if record.gaps else 0, record.complete) == (gaps, not gaps)


async def test_a_clock_that_was_set_back_long_ago_makes_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is far up is younger than what the log is read on from: the kubelet gives it again."""
    monkeypatch.setattr("serviceexecution.logs.resumes.BURST_BYTES", 1000)
    before, after, rest = printed((3000, 50), (600, 9000), (1500, 100))
    kubelet, store = FakeKubelet([*before, *after, *rest]), ResultStore.open("memory:///", "test")
    kubelet.chunk_bytes = 4096
    kubelet.faults = iter([(len(text([*before, *after])), "break")])
    record = await follow(kubelet, store)
    assert len(await store.logs.of(REFERENCE, 1).sizes()) > 2
    assert await lines_of(store) == kubelet.lines
    assert (record.complete, record.gaps) == (True, None)


settings_of_the_clock = st.lists(
    st.tuples(st.floats(-30, 10).map(lambda value: round(value, 1)), st.integers(1, 60)),
    min_size=1,
    max_size=6,
)
"""By how much the clock is set, and how many lines follow."""


@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    spans=settings_of_the_clock,
    each=st.floats(0.05, 3),
    faults=st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(["", "break"])), max_size=5),
    slots=st.sampled_from([0, 1]),
    looks=st.lists(st.integers(0, 300), max_size=3),
    killed=st.booleans(),
)
def test_lines_are_missing_only_where_that_is_said(*, spans, each, faults, slots, looks, killed):
    """Clocks that are set anywhere, streams that are cut anywhere, looks without a stream, and a follower that dies."""
    clock, where = 1800.0, []
    for step, count in spans:
        clock += step
        where.append((clock, count))
        clock += count * each
    lines = [line for part in printed(*where, each=each) for line in part]

    async def main() -> None:
        kubelet, store = FakeKubelet(state="running"), ResultStore.open("memory:///", "test")
        kubelet.faults = iter(faults)
        task = asyncio.create_task(follower_of(kubelet, store, slots=slots).run())
        parts = sorted({0, *(min(look, len(lines)) for look in looks), len(lines)})
        for begin, end in pairwise(parts):
            await kubelet.say(*lines[begin:end])
            await asyncio.sleep(0.01)
        if killed:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            task = asyncio.create_task(follower_of(kubelet, store, slots=slots).run())
        await kubelet.say(state="terminated")
        async with asyncio.timeout(20):
            record = await task
        stored = await lines_of(store)
        kept = [line for line in stored if not is_gap_line(line)]
        assert kept == [line for line in lines if line in set(kept)], "in order, none twice"
        assert record.complete == (kept == lines), (record, len(kept), len(lines))
        assert (record.gaps is None) == record.complete

    asyncio.run(main())
