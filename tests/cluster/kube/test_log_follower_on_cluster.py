"""The log follower on real pods: a kubelet that rotates files, an API server that counts in seconds."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import PODS
from serviceexecution.logs.manager import LogFollowers
from serviceexecution.logs.target import FollowedContainer
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.records import LogRecord
from serviceexecution.store.store import ResultStore
from tests.cluster.conftest import StartPod, has_reached
from tests.cluster.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

MANY = 400_000
PRINT_FAST = """
import sys
for number in range({count}):
    sys.stdout.write("%d and some words that make it a line of a usual length, as programs print\\n" % number)
"""
PRINT_OVER_SECONDS = """
import sys, time
for number in range({count}):
    sys.stdout.write("%d\\n" % number)
    if number % 500 == 0:
        sys.stdout.flush()
        time.sleep(0.02)
"""
PRINT_THROUGH_ROTATIONS = """
import sys, time
pad = "x" * 100
started = time.time()
for number in range({count}):
    sys.stdout.write("%d %s\\n" % (number, pad))
    if number % 4000 == 0:
        time.sleep(max(0, started + number / 40_000 - time.time()))
"""
ODD = r"""
import os, sys
os.write(1, b"\xff\x00\x01\r-\n\n")
os.write(1, b"long " + b"0123456789" * 20_000 + b"\n")
os.write(1, "ünï\n".encode())
os.write(1, b"PlanQK:Job:MultilineResult\n{\"sum\": 6}\nPlanQK:Job:MultilineResult\n")
os.write(1, b"last words")
os._exit(3)
"""
"""All on one stream: containerd logs long lines in parts, and puts what comes on the other stream between these."""


class Follower:
    """Followers with a store of their own."""

    def __init__(self, client: KubernetesClient, store: ResultStore, namespace: str) -> None:
        self.client = client
        self.store = store
        self.namespace = namespace
        self.done = asyncio.Event()
        self.followers = LogFollowers(
            client, store, limit_bytes=1 << 30, on_complete=lambda _: self.done.set()
        )

    def ref(self, pod: Any) -> ExecutionReference:
        return ExecutionReference(self.namespace, "pod", pod["metadata"]["uid"])

    def ensure(self, pod: Any, *, main_terminated: bool = False) -> None:
        self.followers.ensure(
            self.ref(pod),
            FollowedContainer(self.namespace, "pod", pod["metadata"]["uid"], "main"),
            attempt=1,
            main_terminated=main_terminated,
        )

    async def finish(self, pod: Any) -> LogRecord:
        """Do as the controller: say that main has ended when it has, then wait for the record."""
        await until(lambda: has_reached(self.client, self.namespace, "pod", "terminated"), seconds=200)
        self.ensure(pod, main_terminated=True)
        async with asyncio.timeout(60):
            await self.done.wait()
        record = await self.store.logs.read_record(self.ref(pod))
        assert record is not None
        return record

    async def stored(self, pod: Any) -> list[bytes]:
        """Return the stored lines without their times."""
        lines: list[bytes] = []
        for sequence, _ in await self.store.logs.of(self.ref(pod), 1).sizes():
            block = await self.store.logs.of(self.ref(pod), 1).read(sequence)
            lines += [line.partition(b" ")[2] for line in block.split(b"\n")[:-1]]
        return lines


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"file://{tmp_path}"


@pytest.fixture
async def follower(client: KubernetesClient, namespace: str, store_url: str) -> AsyncIterator[Follower]:
    follower = Follower(client, ResultStore.open(store_url, "test"), namespace)
    yield follower
    await follower.followers.close()


def numbers(lines: list[bytes]) -> list[int]:
    return [int(line.split(b" ")[0]) for line in lines]


async def test_a_log_of_400_000_lines_printed_as_fast_as_can_be(follower: Follower, start_pod: StartPod):
    pod = await start_pod(PRINT_FAST.format(count=MANY))
    follower.ensure(pod)
    record = await follower.finish(pod)
    assert numbers(await follower.stored(pod)) == list(range(MANY))
    assert (record.lines, record.complete, record.truncated) == (MANY, True, False)


async def test_a_follower_that_is_killed_and_another_that_goes_on(
    follower: Follower, start_pod: StartPod, store_url: str
):
    count = 100_000
    pod = await start_pod(PRINT_OVER_SECONDS.format(count=count))
    command = ["-m", "tests.cluster.kube.follow_process"]
    arguments = [store_url, follower.namespace, "pod", follower.ref(pod).uid]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for lines_at_death in (5_000, 30_000):
        process = await asyncio.create_subprocess_exec(sys.executable, *command, *arguments, env=environment)

        async def enough(least: int = lines_at_death) -> bool:
            return len(await follower.stored(pod)) >= least

        await until(enough, seconds=60)
        process.kill()
        await process.wait()
    assert await follower.store.logs.read_record(follower.ref(pod)) is None
    follower.ensure(pod)
    record = await follower.finish(pod)
    assert numbers(await follower.stored(pod)) == list(range(count))
    assert (record.lines, record.complete) == (count, True)


async def test_a_log_that_the_kubelet_rotates(follower: Follower, start_pod: StartPod):
    """About 4 MB/s for 25 s: the kubelet begins a new file twice, in the middle of a line."""
    count = 1_000_000
    pod = await start_pod(PRINT_THROUGH_ROTATIONS.format(count=count))
    follower.ensure(pod)
    record = await follower.finish(pod)
    lines = await follower.stored(pod)
    assert {len(line.partition(b" ")[2]) for line in lines} == {100}
    assert numbers(lines) == list(range(count))
    assert (record.lines, record.complete) == (count, True)


async def test_odd_bytes_long_lines_last_words_and_a_printed_result(follower: Follower, start_pod: StartPod):
    pod = await start_pod(ODD)
    follower.ensure(pod)
    record = await follower.finish(pod)
    lines = await follower.stored(pod)
    assert lines[:4] == [b"\xff\x00\x01\r-", b"", b"long " + b"0123456789" * 20_000, "ünï".encode()]
    assert b"last words" in lines
    assert len(lines) == 8
    assert record.complete
    assert await follower.store.logs.read_stdout_result(follower.ref(pod)) == b'{"sum": 6}'


async def test_an_empty_log_of_a_real_pod_is_complete(follower: Follower, start_pod: StartPod):
    pod = await start_pod("pass")
    follower.ensure(pod)
    record = await follower.finish(pod)
    assert (record.lines, record.bytes, record.complete) == (0, 0, True)


async def test_lines_are_readable_while_the_program_runs(follower: Follower, start_pod: StartPod):
    pod = await start_pod("import time\nprint('hello', flush=True)\ntime.sleep(300)")
    follower.ensure(pod)

    async def readable() -> bool:
        return await follower.stored(pod) == [b"hello"]

    await until(readable, seconds=5)


async def test_a_pod_that_is_deleted_while_its_log_is_followed(
    client: KubernetesClient, follower: Follower, start_pod: StartPod
):
    pod = await start_pod("import time\nprint('hello', flush=True)\ntime.sleep(300)")
    follower.ensure(pod)

    async def readable() -> bool:
        return await follower.stored(pod) == [b"hello"]

    await until(readable, seconds=5)
    await client.delete(PODS, follower.namespace, "pod", grace_period_seconds=0)
    async with asyncio.timeout(60):
        await follower.done.wait()
    record = await follower.store.logs.read_record(follower.ref(pod))
    assert record is not None
    assert (record.lines, record.complete) == (1, False)
