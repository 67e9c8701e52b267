"""Workers: what fails is tried again after a pause, whatever it was, and nothing stops the others."""

import asyncio
import contextlib
from typing import Generic

import pytest
import structlog
from prometheus_client import REGISTRY

from serviceexecution.controller.gauges import measure
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.controller.work.queue import FIRST_BACKOFF, WorkQueue
from serviceexecution.controller.work.worker import Key, work
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.store.errors import StoreError
from tests.unit.controller.harness import KEY

OTHER = ExecutionKey("team", "other")


class Passes(Generic[Key]):
    """A reconciler that answers in turn."""

    def __init__(self, *answers: float | Exception | None) -> None:
        self.answers = list(answers)
        self.keys: list[Key] = []

    async def reconcile(self, key: Key) -> float | None:
        self.keys.append(key)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


async def worked(queue: WorkQueue[Key], passes: Passes[Key], count: int) -> None:
    """Let a worker make so many passes."""
    task = asyncio.create_task(work(queue, passes))
    for _ in range(100):
        await asyncio.sleep(0)
        if len(passes.keys) >= count:
            break
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("error", [KubernetesError("away"), StoreError("full"), KeyError("a fault of ours")])
async def test_a_failed_pass_is_repeated_after_a_pause_and_others_go_on(error):
    queue = WorkQueue[ExecutionKey]()
    queue.add(KEY)
    queue.add(OTHER)
    passes = Passes[ExecutionKey](error)
    with structlog.testing.capture_logs() as lines:
        await worked(queue, passes, 2)
    assert passes.keys == [KEY, OTHER]
    assert [(line["event"], line["execution"]) for line in lines] == [("pass failed", "sum")]
    assert queue.retry(KEY) == 2 * FIRST_BACKOFF
    assert queue.retry(OTHER) == FIRST_BACKOFF


async def test_a_failed_pass_over_a_service_is_logged_as_one():
    queue = WorkQueue[ServiceKey]()
    queue.add(ServiceKey("team", "adder"))
    with structlog.testing.capture_logs() as lines:
        await worked(queue, Passes[ServiceKey](KubernetesError("away")), 1)
    assert [(line["service"], line["namespace"], "execution" in line) for line in lines] == [
        ("adder", "team", False)
    ]


async def test_a_pass_says_when_to_look_again():
    queue = WorkQueue[ExecutionKey]()
    queue.add(KEY)
    passes = Passes[ExecutionKey](0.0, None)
    await worked(queue, passes, 2)
    assert passes.keys == [KEY, KEY]


async def test_a_cancelled_worker_ends():
    queue = WorkQueue[ExecutionKey]()
    task = asyncio.create_task(work(queue, Passes[ExecutionKey]()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_only_executions_count_as_those_that_wait():
    executions: WorkQueue[ExecutionKey] = WorkQueue()
    executions.add(KEY)
    executions.add(OTHER)
    gauges = asyncio.create_task(measure(executions, ObjectCache()))
    await asyncio.sleep(0)
    services: WorkQueue[ServiceKey] = WorkQueue()
    services.add(ServiceKey("team", "adder"))
    await worked(services, Passes(), 1)
    assert REGISTRY.get_sample_value("serviceexecution_queue_length") == 2
    gauges.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await gauges
