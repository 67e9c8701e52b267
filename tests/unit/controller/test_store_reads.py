"""A store that hangs or is slow holds up what needs it, and nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from serviceexecution.controller.store_reads import ASKED_AT_ONCE, NoTurnAtStoreError, StoreReads
from serviceexecution.controller.work.keys import ExecutionKey
from serviceexecution.controller.work.queue import WorkQueue
from serviceexecution.controller.work.worker import namespace_queue, work
from serviceexecution.store.errors import StoreError
from tests.support.s3 import S3Server, hang, refuse, s3_server
from tests.unit.controller.harness import World, start
from tests.unit.executions.builders import ended


async def hanging() -> None:
    await asyncio.sleep(3600)


async def failing() -> None:
    raise StoreError("cannot read")


async def fine() -> int:
    return 1


class Passes:
    """Passes of which those over collecting executions ask a store that hangs."""

    def __init__(self, reads: StoreReads) -> None:
        self.reads = reads
        self.cancelled_at: dict[str, float] = {}
        self.both_cancelled = asyncio.Event()

    async def reconcile(self, key: ExecutionKey) -> float | None:
        if key.name == "cancelled":
            self.cancelled_at[key.namespace] = time.monotonic()
            if len(self.cancelled_at) == 2:
                self.both_cancelled.set()
            return None
        try:
            await self.reads.ask(key.namespace, hanging)
        except StoreError:
            return 1.0
        raise AssertionError


async def test_cancels_go_on_while_hundreds_of_runs_wait_for_a_store_that_hangs() -> None:
    passes = Passes(StoreReads(limit=2, slow=0.5, pause=2))
    queue: WorkQueue[ExecutionKey] = namespace_queue(16)
    workers = [asyncio.create_task(work(queue, passes)) for _ in range(16)]
    for number in range(400):
        queue.add(ExecutionKey(f"team-{number % 8}", f"run-{number}"))
    await asyncio.sleep(0.5)
    asked = time.monotonic()
    for namespace in ("team-0", "elsewhere"):
        queue.add(ExecutionKey(namespace, "cancelled"))
    async with asyncio.timeout(10):
        await passes.both_cancelled.wait()
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert max(passes.cancelled_at.values()) - asked < 5
    assert passes.cancelled_at["elsewhere"] - asked < 2


async def test_a_namespace_that_got_no_answer_is_refused_at_once_and_others_are_not() -> None:
    reads = StoreReads(limit=0.2, slow=0.1, pause=0.3)
    with pytest.raises(StoreError, match="does not answer"):
        await reads.ask("a", hanging)
    started = time.monotonic()
    with pytest.raises(StoreError, match="does not answer"):
        await reads.ask("a", fine)
    assert time.monotonic() - started < 0.1
    assert await reads.ask("b", fine) == 1
    await asyncio.sleep(0.3)
    assert await reads.ask("a", fine) == 1
    assert await reads.ask("a", fine) == 1


async def test_one_asks_again_for_all() -> None:
    reads = StoreReads(limit=0.3, slow=0.1, pause=0.1)
    with pytest.raises(StoreError):
        await reads.ask("a", hanging)
    await asyncio.sleep(0.15)
    probe = asyncio.create_task(reads.ask("a", hanging))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    with pytest.raises(StoreError):
        await reads.ask("a", fine)
    assert time.monotonic() - started < 0.1
    with pytest.raises(StoreError):
        await probe


async def test_an_error_that_comes_at_once_is_no_reason_to_wait() -> None:
    reads = StoreReads()
    for _ in range(3):
        with pytest.raises(StoreError, match="cannot read"):
            await reads.ask("a", failing)
    assert await reads.ask("a", fine) == 1


async def test_when_all_turns_are_taken_a_pass_does_not_wait_long() -> None:
    reads = StoreReads(limit=30)
    taken = [asyncio.create_task(reads.ask(f"team-{number}", hanging)) for number in range(ASKED_AT_ONCE)]
    await asyncio.sleep(0)
    started = time.monotonic()
    with pytest.raises(NoTurnAtStoreError, match="others wait"):
        await reads.ask("other", fine)
    assert time.monotonic() - started < 1
    for task in taken:
        task.cancel()
    await asyncio.gather(*taken, return_exceptions=True)
    assert await reads.ask("other", fine) == 1


@pytest.fixture
async def s3() -> AsyncIterator[S3Server]:
    async with s3_server() as server:
        yield server


@pytest.mark.parametrize(
    "fault",
    [hang, refuse(503, "SlowDown"), refuse(403, "AccessDenied"), refuse(404, "NoSuchBucket")],
    ids=["hangs", "overloaded", "credentials", "no bucket"],
)
async def test_a_run_whose_store_is_away_waits_and_ends_rightly(world: World, s3: S3Server, fault) -> None:
    world.store = s3.store()
    world.start()
    await start(world)
    world.wait(5)
    world.pod(ended(), ended(until=11))
    await world.keep()
    s3.fault = fault
    started = time.monotonic()
    for _ in range(3):
        await world.controller.run()
        world.wait(8)
    assert time.monotonic() - started < 20
    assert world.said() == ("Running", "Collecting")
    s3.fault = None
    async with asyncio.timeout(20):
        # What was asked meanwhile may hang for its five seconds, and a busy machine may take longer over its tries.
        while world.said() != ("Succeeded", "Succeeded"):
            await world.controller.run()
            await asyncio.sleep(0.1)
    assert world.execution.status.result is not None


async def test_a_cancel_needs_no_store(world: World, s3: S3Server) -> None:
    world.store = s3.store()
    world.start()
    s3.fault = hang
    await start(world)
    world.edit(cancel=True)
    started = time.monotonic()
    await world.controller.run()
    assert time.monotonic() - started < 5
    assert world.said() == ("Running", "Stopping")
