"""Which logs are followed: starting, finishing, forgetting, closing."""

import asyncio
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.logs.manager import LogFollowers
from serviceexecution.logs.slots import LOADS_AT_ONCE
from serviceexecution.logs.target import FollowedContainer
from serviceexecution.logs.timing import FollowerTiming
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.logs import LogChunks
from serviceexecution.store.storage.objects import Objects
from serviceexecution.store.store import ResultStore
from tests.unit.logs.fake_kubelet import POD_UID, FakeKubelet, line

pytestmark = pytest.mark.timeout(30)

REF = ExecutionReference("ns", "sum", "uid-1")
QUICK = FollowerTiming(flush=60, first_backoff=0.001, last_backoff=0.01)


class Setup:
    def __init__(self, kubelet: FakeKubelet) -> None:
        self.kubelet = kubelet
        self.store = ResultStore.open("memory:///", "test")
        self.completed: list[ExecutionReference] = []
        self.done = asyncio.Event()
        self.followers = LogFollowers(
            cast("KubernetesClient", kubelet),
            self.store,
            limit_bytes=1 << 30,
            on_complete=self._complete,
            timing=QUICK,
        )

    def _complete(self, ref: ExecutionReference) -> None:
        self.completed.append(ref)
        self.done.set()

    def ensure(self, *, attempt: int = 1, main_terminated: bool = False) -> None:
        self.followers.ensure(
            REF,
            FollowedContainer(REF.namespace, "pod", POD_UID, "main"),
            attempt=attempt,
            main_terminated=main_terminated,
        )


async def test_ensure_is_idempotent_and_reports_once():
    setup = Setup(FakeKubelet([line(0)], state="running"))
    setup.ensure()
    setup.ensure()
    while not setup.kubelet.open_streams:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    assert len(setup.kubelet.opened) == 1
    await setup.kubelet.say(line(1), state="terminated")
    setup.ensure(main_terminated=True)
    async with asyncio.timeout(5):
        await setup.done.wait()
    record = await setup.store.logs.read_record(REF)
    assert record is not None
    assert (record.lines, record.complete) == (2, True)
    opened = len(setup.kubelet.opened)
    setup.ensure(main_terminated=True)
    await asyncio.sleep(0.01)
    assert len(setup.kubelet.opened) == opened
    assert setup.completed == [REF]
    await setup.followers.close()


async def test_it_is_known_whether_a_log_is_followed_and_what_was_committed():
    setup = Setup(FakeKubelet([line(0)], state="running"))
    followers = setup.followers
    assert not followers.is_under_way(REF, 1, POD_UID)
    setup.ensure()
    assert followers.is_under_way(REF, 1, POD_UID)
    assert not followers.is_under_way(REF, 2, POD_UID)
    assert not followers.is_under_way(REF, 1, "another pod")
    assert followers.record(REF, 1, POD_UID) is None
    await setup.kubelet.say(line(1), state="terminated")
    setup.ensure(main_terminated=True)
    async with asyncio.timeout(5):
        await setup.done.wait()
    assert not followers.is_under_way(REF, 1, POD_UID)
    assert followers.record(REF, 1, POD_UID) == await setup.store.logs.read_record(REF) is not None
    followers.forget(REF)
    assert followers.record(REF, 1, POD_UID) is None
    await followers.close()


async def test_a_short_log_costs_the_store_one_question_and_two_writes(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    for name in ("names", "get", "list", "put"):
        real = getattr(Objects, name)

        async def noted(self: Objects, *arguments: Any, name: str = name, real: Any = real) -> Any:
            asked.append(name)
            return await real(self, *arguments)

        monkeypatch.setattr(Objects, name, noted)
    setup = Setup(FakeKubelet([line(0)], state="terminated"))
    setup.ensure(main_terminated=True)
    async with asyncio.timeout(5):
        await setup.done.wait()
    assert asked == ["names", "put", "put"]
    await setup.followers.close()


async def test_another_attempt_replaces_the_first():
    setup = Setup(FakeKubelet([line(0)], state="running"))
    setup.ensure()
    while not setup.kubelet.open_streams:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    setup.ensure(attempt=2)
    while len(setup.kubelet.opened) < 2 or setup.kubelet.open_streams != 1:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    await setup.kubelet.say(state="terminated")
    async with asyncio.timeout(5):
        await setup.done.wait()
    record = await setup.store.logs.read_record(REF)
    assert record is not None
    assert record.attempt == 2
    await setup.followers.close()


async def test_forget_stops_the_stream():
    setup = Setup(FakeKubelet([line(0)], state="running"))
    setup.ensure()
    while not setup.kubelet.open_streams:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    setup.followers.forget(REF)
    setup.followers.forget(REF)
    while setup.kubelet.open_streams:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    assert setup.completed == []
    await setup.followers.close()


async def test_close_stores_what_was_received():
    setup = Setup(FakeKubelet([line(0), line(1)], state="running"))
    setup.ensure()
    while not setup.kubelet.open_streams:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.01)
    assert await setup.store.logs.of(REF, 1).sizes() == []
    await setup.followers.close()
    assert await setup.store.logs.of(REF, 1).read(1) == line(0) + b"\n" + line(1) + b"\n"
    assert setup.completed == []


async def test_a_fault_of_ours_is_logged_and_the_next_ensure_begins_again(monkeypatch):
    setup = Setup(FakeKubelet([line(0)]))
    with monkeypatch.context() as patch, capture_logs() as events:
        patch.setattr(setup.kubelet, "log_lines", None)
        setup.ensure()
        while "following a log failed" not in {event["event"] for event in events}:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    assert setup.completed == []
    setup.ensure()
    async with asyncio.timeout(5):
        await setup.done.wait()
    await setup.followers.close()


@pytest.mark.parametrize("count", [30])
async def test_more_logs_than_streams(count):
    store = ResultStore.open("memory:///", "test")
    kubelet = FakeKubelet([line(number) for number in range(50)])
    done: set[ExecutionReference] = set()
    timing = FollowerTiming(flush=0.01, poll=0.01, first_backoff=0.001, last_backoff=0.01)
    followers = LogFollowers(
        cast("KubernetesClient", kubelet),
        store,
        limit_bytes=1 << 30,
        on_complete=done.add,
        max_streams=3,
        timing=timing,
    )
    refs = {ExecutionReference("ns", f"n{number}", f"uid-{number}") for number in range(count)}
    for ref in refs:
        followers.ensure(
            ref, FollowedContainer(ref.namespace, "p", POD_UID, "main"), attempt=1, main_terminated=False
        )
    while done != refs:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    for ref in refs:
        record = await store.logs.read_record(ref)
        assert record is not None
        assert (record.lines, record.complete) == (50, True)
    await followers.close()


async def test_after_a_restart_a_few_logs_at_a_time_are_read_back(monkeypatch: pytest.MonkeyPatch):
    """Four hundred logs of 4 MiB were 860 MiB of memory and an event loop that stood for seconds."""
    setup = Setup(FakeKubelet([line(0)], state="running"))
    refs = [ExecutionReference(f"ns-{number % 3}", f"run-{number}", f"uid-{number}") for number in range(30)]
    for ref in refs:
        await setup.store.logs.of(ref, 1).write(1, line(0))
    read = LogChunks.read
    at_once: list[int] = []
    reading = 0

    async def slowly(chunks: LogChunks, sequence: int) -> bytes:
        nonlocal reading
        reading += 1
        at_once.append(reading)
        for _ in range(5):
            await asyncio.sleep(0)
        reading -= 1
        return await read(chunks, sequence)

    monkeypatch.setattr(LogChunks, "read", slowly)
    for ref in refs:
        setup.followers.ensure(
            ref,
            FollowedContainer(ref.namespace, "pod", POD_UID, "main"),
            attempt=1,
            main_terminated=False,
        )
    async with asyncio.timeout(20):
        while len(at_once) < len(refs):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    assert max(at_once) <= LOADS_AT_ONCE
    await setup.followers.close()
