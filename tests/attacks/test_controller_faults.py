"""One odd or missing object, and a slow watch, end neither the controller nor the work for others.

Each test fails on 9b98b50.
"""

import asyncio

import kopf
import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.health import Health
from serviceexecution.controller.known.cache import ObjectCache, Watched
from serviceexecution.controller.known.cached_execution import (
    EndedExecution,
)
from serviceexecution.controller.known.watches import register
from serviceexecution.controller.work.keys import ExecutionKey, ServiceKey
from serviceexecution.controller.work.queue import WorkQueue
from serviceexecution.controller.work.worker import namespace_queue
from serviceexecution.kube.kinds import (
    PODS,
    SERVICE_EXECUTIONS,
)
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from tests.attacks.controller_world import execution
from tests.support.api_server.bodies import metadata_of
from tests.support.api_server.requests import Request, refusal
from tests.support.api_server.server import ApiServer
from tests.unit.controller import resyncs
from tests.unit.controller.conftest import world
from tests.unit.controller.harness import KEY, Clock, World, start, succeed
from tests.unit.executions.builders import UID, ended, running

__all__ = ["world"]


async def test_one_odd_pod_is_passed_over(world: World) -> None:
    """Controller 18: a pod with our label whose status is odd ended the process, at each start again."""
    await start(world)
    world.kubernetes.put(
        PODS,
        {
            "metadata": {"name": "odd", "namespace": "team", "labels": {LABEL_EXECUTION_UID: UID}},
            "status": {"containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": None}}}]},
        },
    )
    await world.controller.run()
    assert world.said() == ("Running", "Running")
    await world.start().run()
    assert world.said() == ("Running", "Running")


async def test_a_pod_of_a_virtual_kubelet_runs_without_saying_since_when(world: World) -> None:
    """Controller 18: ``running: {startedAt: null}``, as virtual kubelets write it."""
    world.apply()
    await world.controller.run()
    world.wait(5)
    world.pod(running(), running())
    pod = world.kubernetes.one(PODS)
    assert pod is not None
    untold: JsonObject = {"name": "main", "state": {"running": {"startedAt": None}}}
    world.kubernetes.change(
        PODS, "team", str(metadata_of(pod)["name"]), {"status": {"containerStatuses": [untold]}}
    )
    await world.controller.run()
    assert world.said() == ("Running", "Running")
    assert world.execution.status.start_time == world.clock.now(), "the pod has just been created"


async def test_a_namespace_that_may_not_be_read_leaves_the_others_alone() -> None:
    """Controller 18: a deleted namespace among watchNamespaces ended the controller for all others."""
    kubernetes = ApiServer(now=Clock().now)
    kubernetes.put(SERVICE_EXECUTIONS, execution(1, phase=None))
    forbidden = refusal(403, 'serviceexecutions is forbidden: User "x" cannot list resource')

    def refuse(request: Request, _when: str) -> None:
        if request.namespace == "gone":
            raise forbidden

    kubernetes.hook = refuse
    queued: list[ExecutionKey] = []
    health = Health(longest_pass=lambda: 0)
    cache = ObjectCache(namespaces=("gone", "team"))
    resync = resyncs.of(kubernetes, cache, queued, health=health, namespaces=("gone", "team"))
    assert await resync.start() == ("team",)
    assert queued == [ExecutionKey("team", "run-1")]
    assert health.problem() == ""
    kubernetes.hook = None
    await resync.once()
    assert "gone" in health.problem(), "a new start watches it"


async def test_load_is_no_hang() -> None:
    """Controller 16: keys that waited for ten minutes failed the probe, and the restart made it worse."""
    now = [0.0]
    queue: WorkQueue[str] = WorkQueue(clock=lambda: now[0])
    health = Health(longest_pass=queue.longest_pass_seconds)
    queue.add("waits")
    queue.add("runs")
    now[0] = 5_000.0
    await queue.get()
    assert health.problem() == ""
    now[0] = 10_000.0
    assert health.problem() != "", "a pass that hangs is one"


async def test_an_execution_that_is_gone_is_asked_for_once(world: World) -> None:
    """Controller 23: of a deletion that no watch told of, each pass asked again, five times a second."""
    await start(world)
    world.pod(ended(3), ended())
    await world.keep()
    await world.controller.watch()
    del world.kubernetes.objects[SERVICE_EXECUTIONS.plural, "team", "sum"]
    world.kubernetes.requests.clear()
    for _ in range(10):
        await world.controller.reconcile()
    assert len(world.kubernetes.requests) <= 1
    assert KEY not in world.controller.cache.executions


async def test_an_ended_execution_costs_no_request(world: World) -> None:
    """Controller 7: nor is it read again while nothing is due."""
    await succeed(world, world.controller.run)
    assert isinstance(world.controller.cache.executions[KEY], EndedExecution)
    world.kubernetes.requests.clear()
    await world.controller.reconcile()
    assert world.kubernetes.requests == []


def test_watches_are_handled_in_the_loop_that_owns_the_cache() -> None:
    """Kopf calls functions that are no coroutines in threads: cache and queue were changed from there."""
    registry = kopf.OperatorRegistry()
    queue: WorkQueue[ExecutionKey] = namespace_queue(1)
    service_queue: WorkQueue[ServiceKey] = namespace_queue(1)
    register(registry, ObjectCache(), queue, service_queue)
    handlers = registry._watching.get_all_handlers()
    assert len(handlers) == 2
    assert all(asyncio.iscoroutinefunction(handler.fn) for handler in handlers)


async def test_a_watch_that_is_only_behind_is_not_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Controller 16: a watch that was 60 s behind under load had the process killed."""
    monkeypatch.setattr("serviceexecution.controller.known.resync.WATCH_LAG_SECONDS", 0.0)
    kubernetes = ApiServer(now=Clock().now)
    kubernetes.put(SERVICE_EXECUTIONS, execution(1, phase=None))
    cache = ObjectCache()
    health = Health(longest_pass=lambda: 0)
    resync = resyncs.of(kubernetes, cache, [], health=health)
    cache.note_watched(Watched.EXECUTIONS, {"metadata": {"resourceVersion": "10"}})
    checking = asyncio.create_task(resync.check())
    while not checking.done():
        await asyncio.sleep(0)
        cache.note_watched(
            Watched.EXECUTIONS,
            {"metadata": {"resourceVersion": str(cache.watched_version(Watched.EXECUTIONS) + 1)}},
        )
    assert health.problem() == ""
