"""What one tenant's load does to the controller, and so to all others (controller.md 1, 7, 8a, 8d, 8e, 11, 16, 18, 23).

Everything runs in process, on the API server in memory. Each test fails on 9b98b50.
"""

import asyncio
import gc
import sys
import threading
import tracemalloc
from collections.abc import Callable
from typing import cast

import pytest

from serviceexecution.contract.input import input_files
from serviceexecution.contract.json_text import skim
from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.controller.executions import planning
from serviceexecution.controller.executions.admission import Admission
from serviceexecution.controller.known.cache import ObjectCache
from serviceexecution.controller.known.cached_execution import (
    LiveExecution,
    UnreadableExecution,
    read_execution,
)
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.controller.work.queue import WorkQueue
from serviceexecution.controller.work.worker import namespace_queue
from serviceexecution.kube.client import ObjectList
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    JOBS,
    PODS,
    SERVICE_DEFINITIONS,
    SERVICE_EXECUTIONS,
    ResourceKind,
)
from serviceexecution.process.nesting import LEVELS
from serviceexecution.resources.executions.execution import ServiceExecution
from tests.attacks.controller_world import execution
from tests.support.api_server.server import ApiServer
from tests.unit.controller import resyncs
from tests.unit.controller.conftest import world
from tests.unit.controller.harness import Clock, World
from tests.unit.controller.service_harness import apply, define
from tests.unit.executions.builders import POD_NAME, waiting

__all__ = ["world"]


async def test_no_pass_during_a_resync_takes_a_run_for_one_without_a_pod(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Controller 1: the list of services threw all pods out of the cache, and starts were ended as StartTimeout."""
    definition: JsonObject = {
        "metadata": {"name": "adder", "namespace": "other", "uid": "service"},
        "spec": {"runtime": {"docker": {"image": "adder:1"}}},
    }
    world.kubernetes.put(SERVICE_DEFINITIONS, definition)
    world.apply()
    await world.controller.run()
    world.wait(480)  # a node had to come first
    world.pod(waiting("ContainerCreating"), waiting("ContainerCreating"))
    scheduled: JsonObject = {
        "type": "PodScheduled",
        "status": "True",
        "lastTransitionTime": world.clock.now().isoformat(),
    }
    world.kubernetes.change(PODS, "team", POD_NAME, {"status": {"conditions": [scheduled]}})
    await world.controller.watch()
    world.wait(180)
    list_all = world.kubernetes.list

    async def with_a_pass_between(
        kind: ResourceKind, namespace: str | None, **kwargs: str | None
    ) -> ObjectList:
        found = await list_all(kind, namespace, **kwargs)
        if kind is JOBS:
            await world.controller.reconcile()
        return found

    monkeypatch.setattr(world.kubernetes, "list", with_a_pass_between)  # its pages, too, come from there
    await world.controller.resync.once()
    assert world.said() == ("Pending", "Starting")
    assert world.kubernetes.one(JOBS) is not None


@pytest.mark.parametrize("phase", ["Succeeded", "Running"])
def test_large_executions_cost_the_controller_as_little_as_small_ones(phase: str) -> None:
    """Controller 7: 10,000 executions with an outputSchema of 60 KiB are half a gigabyte of models."""
    kept = []
    for size in (0, 60 * 1024):
        cache = ObjectCache()
        gc.collect()
        tracemalloc.start()
        for number in range(200):
            cache.put_execution(execution(number, phase=phase, size=size))
        gc.collect()
        kept.append(tracemalloc.get_traced_memory()[0] / 200)
        tracemalloc.stop()
    assert kept[1] < 3_000, "bytes for each of them"


def test_small_ones_are_kept_whole_within_a_budget() -> None:
    """Controller 7: that there are many of them takes as little memory as that one is large."""
    cache = ObjectCache()
    cache.texts.budget = 20_000
    for number in range(200):
        cache.put_execution(execution(number, phase="Running"))
    assert len(cache.executions) == 200
    assert cache.texts.size <= 20_000


async def test_no_page_of_a_resync_is_held_and_what_ended_is_not_looked_at_again() -> None:
    """Controller 7: 20,000 ended executions were held whole, and each got a pass in front of all news."""
    cache = ObjectCache()
    queued: list[ExecutionKey] = []
    kubernetes = ApiServer(now=Clock().now)
    for number in range(20):
        kubernetes.put(SERVICE_EXECUTIONS, execution(number, phase="Succeeded"))
    kubernetes.put(SERVICE_EXECUTIONS, execution(20, phase="Running"))
    resync = resyncs.of(kubernetes, cache, queued)
    await resync.start()
    await resync.once()
    assert queued == [ExecutionKey("team", "run-20")] * 2
    asked = [one.metadata_only for one in kubernetes.requests if one.resource == SERVICE_EXECUTIONS.plural]
    assert asked == [False, True], "the second time by metadata alone"


async def test_an_execution_nested_ten_thousand_deep_is_refused_and_nothing_ends(
    world: World,
) -> None:
    """Controller 8c: json.loads gave up at a thousand levels, and Kopf's watch and each resync with it."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(LEVELS)
    try:
        value: JsonValue = 1
        for _ in range(5_000):
            value = [value]
        body = execution(1, phase=None)
        body["spec"] = {"runtime": {"docker": {"image": "x"}}, "input": {"deep": value}}
        cache = ObjectCache()
        key = cache.put_execution(body)
        assert isinstance(cache.executions[key], LiveExecution)
        found = read_execution(body)
        assert isinstance(found, ServiceExecution)
    finally:
        sys.setrecursionlimit(limit)


async def test_namespaces_take_turns_in_the_queue() -> None:
    """Controller 8e: the first execution of one namespace waited behind 5,000 of another."""
    queue: WorkQueue[ExecutionKey] = namespace_queue(16)
    for number in range(5_000):
        queue.add(ExecutionKey("flood", f"run-{number}"))
    queue.add(ExecutionKey("witness", "run"))
    first = [await queue.get() for _ in range(2)]
    assert ExecutionKey("witness", "run") in first


async def test_a_flood_leaves_workers_to_others() -> None:
    """Controller 8e: passes of one namespace that wait for the API server held all workers."""
    queue: WorkQueue[ExecutionKey] = namespace_queue(16)
    for number in range(5_000):
        queue.add(ExecutionKey("flood", f"run-{number}"))
    workers = [asyncio.create_task(queue.get()) for _ in range(16)]
    await asyncio.sleep(0)
    queue.add(ExecutionKey("witness", "run"))
    for _ in range(3):
        await asyncio.sleep(0)
    taken = [one.result() for one in workers if one.done()]
    assert ExecutionKey("witness", "run") in taken
    for one in workers:
        one.cancel()


def test_a_change_of_one_queued_execution_looks_at_none_of_the_others() -> None:
    """Controller 11: with 5,000 queued, each change of a status took 30 ms, and each pass as much."""
    cache = ObjectCache()
    admission = Admission(cache)
    cache.put_definition(
        {
            "metadata": {
                "name": "adder",
                "namespace": "team",
                "uid": "service",
                "generation": 1,
                "creationTimestamp": "2026-03-01T12:00:00Z",
            },
            "spec": {"runtime": {"docker": {"image": "x"}}, "concurrency": 3},
        }
    )
    for number in range(5_000):
        cache.put_execution(execution(number, phase=None))
    service = ServiceKey("team", "adder")
    assert len(admission.next_keys(service)) == 3
    calls = 0

    def count(frame: object, event: str, _: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        admission.next_keys(service)
        cache.put_execution(
            execution(4_000, phase=None) | {"status": {"phase": "Pending", "reason": "Queued"}}
        )
    finally:
        sys.setprofile(None)
    assert calls < 500


def test_a_service_without_concurrency_wakes_nobody() -> None:
    """Controller 11: each status change of a service's execution queued all of its new ones."""
    cache = ObjectCache()
    woken: list[ExecutionKey] = []
    admission = Admission(cache)
    cache.on_change = lambda service, changed: woken.extend(
        admission.keys_after_change(service) if changed else admission.next_keys(service)
    )
    for number in range(100):
        cache.put_execution(execution(number, phase=None))
    cache.put_execution(
        execution(5, phase="Running") | {"metadata": {**_metadata(5), "resourceVersion": "99999"}}
    )
    assert woken == []


def _metadata(number: int) -> JsonObject:
    return cast("JsonObject", execution(number, phase=None)["metadata"])


HOSTILE_INPUTS: dict[str, dict[str, str]] = {
    "a hundred thousand properties": {f"k{number}": "{}" for number in range(100_000)},
    "ten thousand properties": {f"k{number}": "{}" for number in range(10_000)},
    "a megabyte of brackets": {"a": "[" + ",".join(["[]"] * 330_000) + "]"},
    "a megabyte of objects": {"a": '{"x":[' + ",".join(["{}"] * 320_000) + "]}"},
}


@pytest.mark.parametrize("name", HOSTILE_INPUTS)
async def test_no_input_is_looked_at_in_the_event_loop(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Controller 8a: each pass over such an input held the loop for seconds; three were longer than the Lease."""
    in_loop: list[str] = []

    def watched(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if threading.current_thread() is threading.main_thread():
                in_loop.append(function.__name__)
            return function(*args, **kwargs)

        return call

    for part in ("read_spec", "plan_of", "input_text"):
        monkeypatch.setattr(planning, part, watched(getattr(planning, part)))
    world.kubernetes.put(
        CONFIG_MAPS,
        {"metadata": {"name": "in", "namespace": "team"}, "data": HOSTILE_INPUTS[name], "immutable": True},  # type: ignore[dict-item]
    )
    world.apply(inputJson=None, inputFrom={"configMapRef": {"name": "in"}})
    await world.controller.run()
    assert in_loop == []
    expected = ("Failed", "InvalidInput") if name.startswith("a hundred") else ("Pending", "Starting")
    assert world.said() == expected


def test_a_spec_beside_its_input_is_bounded() -> None:
    """Controller 8a: of small values a megabyte is a third of a second for the models, in one step."""
    body = execution(1, phase=None)
    template: JsonObject = {"spec": {"volumes": [[] for _ in range(200_000)]}}
    body["spec"] = {"runtime": {"docker": {"image": "x"}}, "podTemplate": template}
    found = read_execution(body)
    assert isinstance(found, UnreadableExecution)
    assert "128 KiB" in found.problem
    service: JsonObject = {"metadata": {"name": "s", "namespace": "team", "uid": "s"}, "spec": body["spec"]}
    cache = ObjectCache()
    assert cache.put_definition(service) in cache.unreadable


async def test_an_input_of_a_megabyte_is_looked_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was once before the service was recorded and once more afterwards, nearly all of what such a run cost.

    Fails on eba7847.
    """
    looked: list[int] = []

    def counted(text: str) -> JsonValue:
        looked.append(len(text))
        return skim(text)

    monkeypatch.setattr(input_files, "skim", counted)
    define(world)
    text = f"[{','.join(['[]'] * 100_000)}]"
    metadata: JsonObject = {"name": "in", "namespace": "team"}
    data: JsonObject = {"data": text, "a.json": "1"}
    world.kubernetes.put(CONFIG_MAPS, {"metadata": metadata, "data": data, "immutable": True})
    apply(world, inputJson=None, inputFrom={"configMapRef": {"name": "in"}})
    await world.controller.run()
    assert world.said() == ("Pending", "Starting")
    assert sorted(looked) == [1, len(text)]
