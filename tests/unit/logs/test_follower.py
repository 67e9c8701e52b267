"""The follower against a faulty kubelet: whatever happens, the stored log is the printed log."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from serviceexecution.kube.errors import KubernetesError
from serviceexecution.logs.chunks import GROW_BELOW_BYTES, ChunkLog
from serviceexecution.logs.follower import LogFollower
from serviceexecution.logs.gaps import without_gaps
from serviceexecution.logs.lines import MAX_LINE_BYTES
from serviceexecution.logs.slots import StreamSlots
from serviceexecution.logs.target import FollowedContainer
from serviceexecution.logs.timing import BURST_BYTES, FollowerTiming
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.errors import StoreError
from serviceexecution.store.logs import LogChunks
from serviceexecution.store.records import LogRecord
from serviceexecution.store.store import ResultStore
from tests.unit.logs.fake_kubelet import POD_UID, FakeKubelet, line

pytestmark = pytest.mark.timeout(30)

REF = ExecutionReference("ns", "sum", "uid-1")
QUICK = FollowerTiming(
    flush=0.01, burst_silence=0.02, ended_silence=0.05, poll=0.01, first_backoff=0.0001, last_backoff=0.001
)


def open_store() -> ResultStore:
    return ResultStore.open("memory:///", "test")


def follower_of(
    kubelet, store, *, limit=1 << 30, flush_bytes=1 << 20, slots=None, timing=QUICK
) -> LogFollower:
    log = ChunkLog(store, REF, attempt=1, limit_bytes=limit, flush_bytes=flush_bytes)
    target = FollowedContainer("ns", "pod", POD_UID, "main")
    return LogFollower(kubelet, log, target, slots=slots or StreamSlots(200), timing=timing)


async def stored(store) -> bytes:
    chunks = [
        await store.logs.of(REF, 1).read(sequence) for sequence, _ in await store.logs.of(REF, 1).sizes()
    ]
    return b"".join(chunks)


def text(lines) -> bytes:
    return b"".join(item + b"\n" for item in lines)


async def follow(kubelet, store, **options) -> LogRecord:
    async with asyncio.timeout(20):
        return await follower_of(kubelet, store, **options).run()


async def test_a_finished_log_is_kept_whole():
    kubelet, store = FakeKubelet([line(number) for number in range(10)]), open_store()
    record = await follow(kubelet, store)
    assert await stored(store) == text(kubelet.lines)
    assert (record.lines, record.bytes) == (10, len(b"line 0\n") * 10)
    assert (record.complete, record.truncated, record.stdout_result) == (True, False, None)
    assert await store.logs.read_record(REF) == record
    assert [tail for _, _, tail in kubelet.opened] == [None, 2], "one stream, one look at the end"


async def test_an_empty_log_is_complete():
    record = await follow(FakeKubelet(), store := open_store())
    assert (record.lines, record.bytes, record.complete) == (0, 0, True)
    assert await stored(store) == b""


async def test_a_log_that_is_committed_already_is_not_read():
    store = open_store()
    first = await follow(FakeKubelet([line(1)]), store)
    kubelet = FakeKubelet([line(1), line(2)])
    assert await follow(kubelet, store) == first
    assert kubelet.opened == []


async def test_the_log_of_a_forgotten_run_makes_room_for_that_of_the_new_one():
    store = open_store()
    of_another = ChunkLog(store, REF, attempt=1, limit_bytes=1 << 30, flush_bytes=1 << 20)
    of_another.append(b"2026-01-01T00:00:00.000000000Z PlanQK:Job:Result: 1\n")
    await of_another.commit(pod_uid="another", complete=True)
    kubelet = FakeKubelet([line(1)])
    record = await follow(kubelet, store)
    assert (record.pod_uid, record.lines, record.stdout_result) == (POD_UID, 1, None)
    assert await stored(store) == text(kubelet.lines)


async def test_the_pod_is_not_read_where_a_watch_tells_of_the_end():
    """The stream ends a moment before the API server knows that main has: reading pod and log anew cost two requests
    for most executions."""
    kubelet, store = FakeKubelet([line(0)], state="running"), open_store()
    follower = follower_of(kubelet, store, timing=replace(QUICK, first_backoff=10.0, last_backoff=10.0))
    task = asyncio.create_task(follower.run())
    while not kubelet.open_streams:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await kubelet.say(line(1), state="terminated")
    while kubelet.open_streams:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    follower.main_ended()
    record = await asyncio.wait_for(task, 5)
    assert (record.lines, record.complete) == (2, True)
    assert [tail for _, _, tail in kubelet.opened] == [None, 2], "one stream, one look at the end"
    assert kubelet.gets == 0


async def test_lines_are_in_the_store_while_the_container_runs():
    kubelet, store = FakeKubelet([line(0)], state="running"), open_store()
    follower = follower_of(kubelet, store)
    task = asyncio.create_task(follower.run())
    for number in range(1, 6):
        while await stored(store) != text(kubelet.lines):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        await kubelet.say(line(number))
    await kubelet.say(line(6), state="terminated")
    record = await asyncio.wait_for(task, 5)
    assert await stored(store) == text(kubelet.lines)
    assert record.lines == 7
    assert len(await store.logs.of(REF, 1).sizes()) == 1, "a slow log does not make a chunk per flush"


async def test_chunks_have_a_bounded_size():
    lines = [line(number, text=b"x" * 1000) for number in range(1000)]
    kubelet, store = FakeKubelet(lines), open_store()
    kubelet.chunk_bytes = 10_000
    await follow(kubelet, store, flush_bytes=100_000)
    sizes = [size for _, size in await store.logs.of(REF, 1).sizes()]
    assert max(sizes) <= 100_000 + 2 * GROW_BELOW_BYTES
    assert len(sizes) > 5
    assert await stored(store) == text(lines)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(0, 60),
    per_second=st.integers(1, 40),
    chunk=st.integers(1, 400),
    faults=st.lists(st.tuples(st.integers(0, 1500), st.sampled_from(["", "break"])), max_size=12),
    last_line_end=st.sampled_from([b"\n", b""]),
    same=st.booleans(),
)
@example(
    count=47,
    per_second=1,
    chunk=167,
    faults=[
        *[(57, ""), (746, "break"), (641, "break"), (1054, ""), (239, ""), (641, "break"), (57, "")],
        *[(641, "break"), (710, ""), (324, ""), (217, ""), (795, "")],
    ],
    last_line_end=b"\n",
    same=False,
)  # Also what looks for lines that were left out is cut
def test_cut_anywhere_any_number_of_times(  # noqa: PLR0917
    count, per_second, chunk, faults, last_line_end, same
):
    """Lines share seconds; with ``same``, several even have the same time and text.

    The last has its own: it is by the last line of the file that an end is told from a cut, and which of some that are
    equal in each nanosecond and byte was the last one read cannot be known.
    """

    async def main() -> None:
        lines = [line(number // (3 if same else 1), per_second=per_second) for number in range(count)]
        lines[-1:] = [line(count, per_second=per_second)] if lines else []
        kubelet, store = FakeKubelet(lines), open_store()
        kubelet.faults, kubelet.chunk_bytes, kubelet.last_line_end = iter(faults), chunk, last_line_end
        record = await follow(kubelet, store)
        assert await stored(store) == text(lines)
        assert record.lines == len(lines)
        assert record.complete

    asyncio.run(main())


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 60),
    per_second=st.integers(1, 40),
    kills=st.lists(st.integers(0, 2000), max_size=6),
    flush_bytes=st.integers(1, 500),
)
def test_killed_anywhere_and_resumed_from_the_store(count, per_second, kills, flush_bytes):
    """A kill loses what is in memory; the successor knows only the store."""

    async def main() -> None:
        lines = [line(number, per_second=per_second) for number in range(count)]
        store = open_store()
        for cut in kills:
            kubelet = FakeKubelet(lines, state="running")
            kubelet.faults, kubelet.chunk_bytes = itertools.repeat((cut, "hang")), 50
            task = asyncio.create_task(follower_of(kubelet, store, flush_bytes=flush_bytes).run())
            await asyncio.sleep(0.002)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        record = await follow(FakeKubelet(lines), store, flush_bytes=flush_bytes)
        assert await stored(store) == text(lines)
        assert (record.lines, record.complete) == (len(lines), True)

    asyncio.run(main())


async def test_odd_bytes_long_lines_and_last_words():
    long = b"y" * 300_000
    lines = [line(0, text=b"\xff\x00\r"), line(1, text=long), line(2, text=b""), line(3, text=b"last words")]
    kubelet, store = FakeKubelet(lines), open_store()
    kubelet.chunk_bytes, kubelet.last_line_end = 4096, b""
    record = await follow(kubelet, store)
    assert await stored(store) == text(lines)
    assert (record.lines, record.complete) == (4, True)


async def test_a_line_without_end_is_cut_and_said_to_be():
    lines = [line(0, text=b"z" * (MAX_LINE_BYTES + 5)), line(1)]
    kubelet, store = FakeKubelet(lines), open_store()
    record = await follow(kubelet, store)
    assert record.truncated
    assert await stored(store) == lines[0][:MAX_LINE_BYTES] + b"\n" + lines[1] + b"\n"


async def test_beyond_the_limit_nothing_is_kept_but_the_result_is_found():
    lines = [line(number, text=b"x" * 99) for number in range(20)]
    lines += [line(20, text=b"PlanQK:Job:MultilineResult"), line(21, text=b'{"a": 1}')]
    lines += [line(22, text=b"PlanQK:Job:MultilineResult")]
    kubelet, store = FakeKubelet(lines), open_store()
    kubelet.chunk_bytes = 500
    kubelet.faults = iter([(1900, "break"), (1900, ""), (1900, "break")])
    record = await follow(kubelet, store, limit=1050, flush_bytes=300)
    assert (record.truncated, record.complete) == (True, True)
    assert record.bytes == 1050, "exactly the limit"
    assert (await stored(store)).startswith(text(lines[:10]))
    assert record.stdout_result is not None
    assert await store.logs.read_stdout_result(REF) == b'{"a": 1}'


async def test_the_record_says_why_a_printed_result_is_none():
    lines = [line(0, text=b'PlanQK:Job:Result: {"x": NaN}')]
    record = await follow(FakeKubelet(lines), open_store())
    assert record.stdout_result is None
    assert record.stdout_problem == (
        "What follows PlanQK:Job:Result: is not a valid JSON object; write the result to output.json."
    )


@pytest.mark.parametrize("per_second", [1, 5])
async def test_a_successor_knows_a_full_log(per_second):
    lines = [line(number * 3, per_second=per_second, text=b"x" * 99) for number in range(20)]
    kubelet, store = FakeKubelet(lines[:15], state="running"), open_store()
    task = asyncio.create_task(follower_of(kubelet, store, limit=1050).run())
    while not await store.logs.of(REF, 1).sizes():  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    before = await stored(store)
    record = await follow(FakeKubelet(lines), store, limit=1050)
    assert await stored(store) == before
    assert (record.truncated, record.bytes, record.complete) == (True, 1050, True)


async def test_the_kubelet_sits_on_a_rotated_file():
    """After a burst the stream is silent although the program goes on: it is opened again."""
    big = [line(number, text=b"x" * 10_000) for number in range(BURST_BYTES // 10_000 + 2)]
    kubelet, store = FakeKubelet(big, state="running"), open_store()
    kubelet.faults = iter([(len(text(big)), "hang")])
    task = asyncio.create_task(follower_of(kubelet, store).run())
    await asyncio.sleep(0)
    await kubelet.say(line(len(big)))
    while not (await stored(store)).endswith(kubelet.lines[-1] + b"\n"):  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    await kubelet.say(line(len(big) + 1), state="terminated")
    assert (await asyncio.wait_for(task, 5)).complete
    assert await stored(store) == text(kubelet.lines)


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("idle", [0, 60])
async def test_a_burst_and_a_rotation(idle, torn):
    """The stream was waiting at the end of the old file: nothing is lost."""
    big = [line(number, per_second=1000, text=b"x" * 10_000) for number in range(BURST_BYTES // 10_000 + 2)]
    kubelet, store = FakeKubelet(big, state="running"), open_store()
    head, end = (
        line(999, per_second=1000, text=b"torn "),
        line(1000 * (1 + idle), per_second=1000, text=b"line"),
    )
    kubelet.faults = iter([(len(text(big)) + torn * len(head), "hang")] * (2 if idle else 1))
    timing = replace(QUICK, burst_silence=0.3)
    task = asyncio.create_task(follower_of(kubelet, store, timing=timing).run())
    while await stored(store) != text(big):  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    while idle and [tail for _, _, tail in kubelet.opened] != [None, 2, None, 2]:  # noqa: ASYNC110
        await asyncio.sleep(0.002)  # So long a silence is looked into, twice
    if torn:
        await kubelet.say(head)
        await asyncio.sleep(0.01)
    kubelet.rotated_away = len(kubelet.lines)
    await kubelet.say(end, state="terminated")
    record = await asyncio.wait_for(task, 5)
    assert await stored(store) == text([*big, head + b"line" if torn else end])
    assert record.complete


@pytest.mark.parametrize(
    ("read", "next_file", "complete"), [(3, 5, True), (3, 60, False), (3, 99, False), (0, 99, True)]
)
async def test_a_follower_that_is_behind_a_rotation(read, next_file, complete):
    """It comes to the end of the old file when the container has ended; the kubelet has later files.

    A whole file can have been lost when the new one begins late, or has nothing in it at all (99 lines away).
    """
    lines = [line(number, per_second=1) for number in range(99)]
    kubelet, store = FakeKubelet(lines[:read]), open_store()
    whole = kubelet._whole

    async def rotating(follow, since, tail):
        async for block in whole(follow, since, tail):
            yield block
        kubelet.lines, kubelet.rotated_away = lines, next_file

    cast("Any", kubelet)._whole = rotating
    record = await follow(kubelet, store)
    assert without_gaps(await stored(store)) == text(lines[:read] + lines[next_file:])
    assert record.complete is complete
    assert (record.gaps is None) is complete


async def test_a_rotation_while_nobody_read():
    lines = [line(number) for number in range(30)]
    kubelet, store = FakeKubelet(lines[:10], state="running"), open_store()
    task = asyncio.create_task(follower_of(kubelet, store).run())
    while not await store.logs.of(REF, 1).sizes():  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kubelet = FakeKubelet(lines)
    kubelet.rotated_away = 20
    record = await follow(kubelet, store)
    kept = await stored(store)
    assert without_gaps(kept) == text(lines[:10] + lines[20:])
    assert (record.lines, record.complete) == (20, False), "and not: complete"
    said = kept.split(b"\n")[10].decode()
    assert said == (
        "2026-11-23T15:00:06.000000+00:00 WARNING: Lines may be missing here: the node rotated its log file away "
        "before it was read, with what was printed between 2026-11-23T15:00:03.000000Z and 2026-11-23T15:00:06.000000Z."
    )
    assert record.bytes == len(b"".join(text.partition(b" ")[2] + b"\n" for text in lines[:10] + lines[20:]))
    assert record.gaps is not None
    assert (record.gaps.count, record.gaps.seconds) == (1, 3.0)


async def test_a_stream_that_is_only_slow_is_not_left():
    """A kubelet that pauses in the middle of a file: to open the log anew could lose the rest of the file."""
    big = [line(number, per_second=1000, text=b"x" * 10_000) for number in range(BURST_BYTES // 10_000 + 2)]
    kubelet, store = FakeKubelet(big, state="running"), open_store()
    whole = kubelet._whole

    async def slow(follow, since, tail):
        async for block in whole(follow, since, tail):
            if tail is None:
                yield block[:-10_000]
                await asyncio.sleep(0.7)
                yield block[-10_000:]
            else:
                yield block

    cast("Any", kubelet)._whole = slow
    task = asyncio.create_task(follower_of(kubelet, store, timing=replace(QUICK, burst_silence=0.3)).run())
    while await stored(store) != text(big):  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    assert len([tail for _, _, tail in kubelet.opened if tail is None]) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_stream_that_stays_open_after_the_end_is_left():
    kubelet, store = FakeKubelet([line(0), line(1)]), open_store()
    kubelet.faults = iter([(len(line(0)) + 1, "hang")])
    follower = follower_of(kubelet, store)
    follower.main_ended()
    record = await asyncio.wait_for(follower.run(), 5)
    assert (record.lines, record.complete) == (2, True)


async def test_a_container_that_has_not_started_yet():
    kubelet, store = FakeKubelet([line(0)], state="waiting"), open_store()
    kubelet.open_errors = [KubernetesError("waiting to start", status=400) for _ in range(20)]
    follower = follower_of(kubelet, store)
    task = asyncio.create_task(follower.run())
    while kubelet.open_errors:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    kubelet.state = "terminated"
    assert (await asyncio.wait_for(task, 5)).lines == 1


async def test_a_pod_that_is_gone():
    kubelet, store = FakeKubelet([line(0)], state="running"), open_store()
    task = asyncio.create_task(follower_of(kubelet, store).run())
    while not await store.logs.of(REF, 1).sizes():  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    kubelet.pod_there = False
    await kubelet.say(line(1), state="terminated")
    record = await asyncio.wait_for(task, 5)
    assert (record.lines, record.complete) == (2, False)


async def test_a_pod_that_was_replaced_or_evicted():
    kubelet = FakeKubelet(state="terminated")
    kubelet.open_errors = [KubernetesError("not found", status=404)] * 99
    kubelet.phase, kubelet.state = "Failed", "waiting"
    record = await follow(kubelet, open_store())
    assert (record.lines, record.complete) == (0, False)


async def test_words_of_the_kubelet_are_not_the_programs():
    kubelet, store = FakeKubelet([line(0), line(1)]), open_store()

    async def whole(follow, since, tail, ordinary=kubelet._whole):
        if len(kubelet.opened) == 1:
            yield line(0) + b"\nfailed to create fsnotify watcher: too many open files"
        else:
            async for block in ordinary(follow, since, tail):
                yield block

    cast("Any", kubelet)._whole = whole
    record = await follow(kubelet, store)
    assert await stored(store) == text(kubelet.lines)
    assert record.complete


async def test_a_kubelet_that_can_read_but_not_follow():
    kubelet, store = FakeKubelet([line(0)], state="running"), open_store()
    kubelet.can_follow = False
    with capture_logs() as events:
        task = asyncio.create_task(follower_of(kubelet, store).run())
        for number in range(1, 5):
            while await stored(store) != text(kubelet.lines):  # noqa: ASYNC110
                await asyncio.sleep(0.002)
            await kubelet.say(line(number))
        await kubelet.say(line(5), state="terminated")
        assert (await asyncio.wait_for(task, 5)).complete
    assert await stored(store) == text(kubelet.lines)
    assert [follow for follow, _, _ in kubelet.opened][:2] == [True, False]
    warnings = [event.get("words", "") for event in events if event["log_level"] == "warning"]
    assert "".join(warnings).count("too many open files") == 1


async def test_a_log_that_the_kubelet_has_lost_is_given_up():
    kubelet, store = FakeKubelet(), open_store()

    async def whole(follow, since, tail):
        yield b"unable to retrieve container logs for containerd://abc"

    cast("Any", kubelet)._whole = whole
    record = await follow(kubelet, store)
    assert (record.lines, record.complete) == (0, False)


async def test_without_a_free_stream_the_log_is_polled():
    slots = StreamSlots(1)
    kubelet, store = FakeKubelet([line(0)], state="running"), open_store()
    with slots.taken():
        task = asyncio.create_task(follower_of(kubelet, store, slots=slots).run())
        for number in range(1, 4):
            while await stored(store) != text(kubelet.lines):  # noqa: ASYNC110
                await asyncio.sleep(0.002)
            await kubelet.say(line(number))
        assert not any(follow for follow, _, _ in kubelet.opened)
    while not kubelet.opened[-1][0]:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    await kubelet.say(line(4), state="terminated")
    assert (await asyncio.wait_for(task, 5)).complete
    assert await stored(store) == text(kubelet.lines)


async def test_a_store_that_fails_is_asked_again(monkeypatch):
    kubelet, store = FakeKubelet([line(0), line(1)]), open_store()
    failures = iter([StoreError("no space left")] * 2)
    write = LogChunks.write

    async def failing(chunks, sequence, data):
        for error in failures:
            raise error
        await write(chunks, sequence, data)

    monkeypatch.setattr(LogChunks, "write", failing)
    monkeypatch.setattr("serviceexecution.logs.chunks.FIRST_RETRY_SECONDS", 0.001)
    assert (await follow(kubelet, store)).complete
    assert await stored(store) == text(kubelet.lines)


@pytest.mark.parametrize("way", ["", "break"])
async def test_a_kubelet_that_dies_all_the_time(way):
    lines = [line(number) for number in range(30)]
    kubelet, store = FakeKubelet(lines), open_store()
    kubelet.faults = itertools.chain([(0, way)] * 5, itertools.repeat((400, way)))
    async with asyncio.timeout(10):
        task = asyncio.create_task(follower_of(kubelet, store).run())
        while len(await stored(store)) < len(text(lines)) // 2:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        kubelet.faults = iter(())
        assert (await task).complete
    assert await stored(store) == text(lines)


def _stamped(seconds: float, number: int) -> bytes:
    return f"2026-07-01T10:{int(seconds // 60):02}:{seconds % 60:012.9f}Z line {number}".encode()


@pytest.mark.parametrize("small", [True, False])
async def test_lines_of_a_clock_that_was_set_back_while_a_stream_was_broken_are_read(
    monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    """The kubelet leaves out what seems older than the line from which on it is asked; of a large log this is said."""
    if not small:
        monkeypatch.setattr("serviceexecution.logs.resumes.BURST_BYTES", 100)
        monkeypatch.setattr("serviceexecution.logs.resumes.READ_AGAIN_BYTES", 100)
    before = [_stamped(1800 + number / 10, number) for number in range(10)]
    after = [_stamped(600 + number / 10, 10 + number) for number in range(200)]
    kubelet, store = FakeKubelet([*before, *after]), open_store()
    kubelet.faults = iter([(len(text(before)), "break")])
    record = await follow(kubelet, store)
    assert (record.complete, record.gaps is None) == (small, small)
    if small:
        assert await stored(store) == text(kubelet.lines)
