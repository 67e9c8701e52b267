"""Whatever streams, store, clocks and rotations do: each line is kept, or the log says at its place that it may not."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from serviceexecution.logs import follower, silence
from serviceexecution.logs.chunks import ChunkLog
from serviceexecution.logs.follower import LogFollower
from serviceexecution.logs.gaps import is_gap_line
from serviceexecution.logs.slots import StreamSlots
from serviceexecution.logs.target import FollowedContainer
from serviceexecution.logs.timing import FollowerTiming
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.records import LogRecord
from tests.unit.logs.fake_kubelet import POD_UID
from tests.unit.logs.rotating_kubelet import MAX_FILE_BYTES, Chunks, RotatingKubelet, in_jumping_time

pytestmark = pytest.mark.timeout(300)

REFERENCE = ExecutionReference("ns", "sum", "uid-1")
TARGET = FollowedContainer("ns", "pod", POD_UID, "main")


@dataclass
class Course:
    """How one log goes: lines of 256 bytes, seconds."""

    bursts: list[tuple[float, int]]
    """Pauses, and how many lines are printed after each."""
    stalls: list[float]
    delays: list[float]
    cuts: list[tuple[float, str]]
    kills: list[float]
    slots: int = 1
    ahead: float = 0.0


def run(course: Course) -> tuple[RotatingKubelet, Chunks, LogRecord]:
    async def main() -> tuple[RotatingKubelet, Chunks, LogRecord]:
        kubelet = RotatingKubelet(node_ahead=course.ahead, stalls=iter(course.stalls), cuts=iter(course.cuts))
        store = Chunks(iter(course.delays))
        rotating = asyncio.create_task(kubelet.rotate())
        printing = asyncio.create_task(_print(kubelet, course.bursts))
        for after in course.kills:
            following = asyncio.create_task(_follower(kubelet, store, course).run())
            await asyncio.sleep(after)
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await asyncio.sleep(after / 2)
        record = await asyncio.wait_for(_follower(kubelet, store, course).run(), 100_000)
        for task in (rotating, printing):
            task.cancel()
        await asyncio.gather(rotating, printing, return_exceptions=True)
        return kubelet, store, record

    with pytest.MonkeyPatch.context() as patched:
        for module in (follower, silence):
            patched.setattr(module, "BURST_BYTES", MAX_FILE_BYTES)
        patched.setattr(follower, "CATCH_UP_BYTES", MAX_FILE_BYTES // 4)
        return in_jumping_time(main)


async def _print(kubelet: RotatingKubelet, bursts: list[tuple[float, int]]) -> None:
    for pause, count in bursts:
        await asyncio.sleep(pause)
        kubelet.print(count)
    kubelet.end()


def _follower(kubelet: RotatingKubelet, store: Chunks, course: Course) -> LogFollower:
    log = ChunkLog(cast("Any", store), REFERENCE, attempt=1, limit_bytes=1 << 40, flush_bytes=MAX_FILE_BYTES)
    timing = replace(FollowerTiming(), clock=kubelet.clock)
    return LogFollower(cast("Any", kubelet), log, TARGET, slots=StreamSlots(course.slots), timing=timing)


def check(kubelet: RotatingKubelet, store: Chunks, record: LogRecord) -> tuple[int, int]:
    """Check that nothing is missing unsaid; return how many lines are missing, and at how many places it is said."""
    number = {line: index for index, line in enumerate(kubelet.printed)}
    expected, missing, said, gaps = 0, 0, False, 0
    for line in store.text.split(b"\n")[:-1]:
        if is_gap_line(line):
            said, gaps = True, gaps + 1
            continue
        found = number[line]
        assert found >= expected, "no line twice, and all in order"
        if found > expected:
            assert said or expected == 0, f"lines {expected} to {found - 1} are missing unsaid"
            missing += found - expected
        expected, said = found + 1, False
    left = len(kubelet.printed) - expected
    assert not left or not record.complete
    assert (record.gaps.count if record.gaps else 0) == gaps
    assert record.complete == (gaps == 0) or left
    return missing + left, gaps


def test_a_program_that_prints_steadily_through_rotations_keeps_every_line():
    course = Course([(0.25, 8)] * 400, [], [], [], [])
    kubelet, store, record = run(course)
    assert kubelet.rotations >= 9
    assert check(kubelet, store, record) == (0, 0)
    assert record.complete


def test_a_program_that_pauses_for_long_after_much_is_not_said_to_have_gaps():
    course = Course([(1, 100)] + [(45.0, 10)] * 30, [], [], [], [])
    assert check(*run(course)) == (0, 0)


def test_a_stream_that_is_behind_by_a_whole_file_says_so():
    """The kubelet goes on in the newest file: the one between was never read, within one and the same stream."""
    course = Course([(1, 66), (12, 66), (10, 66), (10, 66), (30, 2)], [0.0] * 8 + [30.0], [], [], [])
    kubelet, store, record = run(course)
    missing, gaps = check(kubelet, store, record)
    assert (missing > 0, gaps, record.complete) == (True, 1, False)


def test_a_store_that_hangs_while_files_rotate_loses_nothing_unsaid():
    course = Course([(0.25, 16)] * 400, [], [0.0, 0.0, 35.0], [], [])
    missing, gaps = check(*run(course))
    assert missing == 0 or gaps > 0


def test_a_gap_is_still_known_to_a_follower_that_begins_anew():
    course = Course([(0.25, 16)] * 600, [], [], [], [60.0, 20.0])
    kubelet, store, record = run(course)
    missing, gaps = check(kubelet, store, record)
    assert missing > 0
    assert gaps >= 2, "each time that nobody read"
    assert not record.complete


def test_nothing_is_lost_without_an_open_stream_when_files_rotate_slowly():
    course = Course([(0.5, 4)] * 200, [], [], [], [], slots=0)
    kubelet, store, record = run(course)
    missing, gaps = check(kubelet, store, record)
    assert missing == 0 or gaps > 0


@pytest.mark.parametrize("ahead", [-3600.0, -20.0, 20.0, 3600.0])
def test_a_node_whose_clock_is_off_hides_no_gap(ahead):
    cuts = [(15.0, "")] * 9
    course = Course([(0.25, 16)] * 400, [*[0.0] * 50, 25.0], [], cuts, [], ahead=ahead)
    check(*run(course))


def test_a_gap_in_a_cut_stream_is_said_whatever_the_times_of_the_lines():
    """The connection goes while the program prints, and the file is rotated before the next look."""
    course = Course([(0.05, 3)] * 2000, [], [], [(19.5, ""), (0.0, "refuse")], [])
    missing, gaps = check(*run(course))
    assert missing > 0
    assert gaps >= 1


SECONDS = st.floats(0, 40, allow_nan=False).map(lambda value: round(value, 2))
courses = st.builds(
    Course,
    bursts=st.lists(st.tuples(SECONDS, st.integers(0, 80)), max_size=40).map(
        lambda bursts: [(0.5, 1), *bursts]
    ),
    stalls=st.lists(st.one_of(st.just(0.0), SECONDS), max_size=60),
    delays=st.lists(st.one_of(st.just(0.0), SECONDS), max_size=30),
    cuts=st.lists(st.tuples(SECONDS, st.sampled_from(["", "break", "refuse"])), max_size=8),
    kills=st.lists(SECONDS.map(lambda value: value + 3), max_size=2),
    slots=st.sampled_from([0, 1, 1, 1]),
    ahead=st.sampled_from([0.0, 0.0, 30.0, -30.0, 3600.0, -3600.0]),
).map(lambda course: replace(course, ahead=0.0) if course.kills else course)
"""A follower that has just begun cannot know the node's clock, until it has read a line as it was printed."""


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(courses)
def test_no_line_is_missing_unsaid(course):
    note(str(course))
    check(*run(course))
