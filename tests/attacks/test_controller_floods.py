"""What one tenant's load does to the controller, and so to all others (controller.md 1, 7, 8a, 8d, 8e, 11, 16, 18, 23).

Everything runs in process, on the fake API server of the controller's own tests. Each test fails on 9b98b50.
"""

from collections.abc import AsyncIterator

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import ObjectList
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_DEFINITIONS, ResourceKind
from tests.unit.controller.builders import POD_NAME, waiting
from tests.unit.controller.harness import Clock, World


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Return a cluster with a controller."""
    clock = Clock()
    monkeypatch.setattr("serviceexecution.controller.observe.datetime", clock)
    found = World(clock)
    yield found
    for controller in found.controllers:
        await controller.checker.close()


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

    monkeypatch.setattr(world.kubernetes, "list", with_a_pass_between)
    await world.controller.resync.once()
    assert world.said() == ("Pending", "Starting")
    assert world.kubernetes.one(JOBS) is not None
