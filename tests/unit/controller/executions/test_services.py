"""Executions of services: what they take of it, and what is said when there is none or it cannot be run."""

from typing import Any

import pytest

from serviceexecution.controller.work.keys import ServiceKey
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from tests.unit.controller.harness import World
from tests.unit.controller.service_harness import (
    NUMBER,
    SUM,
    _succeed_as_run,
    apply,
    define,
    job_spec,
    message,
    redefine,
)
from tests.unit.executions.builders import ended, running


async def test_what_is_taken_is_recorded_before_anything_is_created(world: World):
    define(world, timeout="1h", env=[{"name": "A", "value": "1"}], outputSchema=SUM)
    apply(world)
    await world.controller.run()
    assert world.kubernetes.writes() == [
        "patch serviceexecutions/status",
        "create configmaps",
        "create jobs",
        "patch serviceexecutions/status",
    ]
    taken = world.execution.status.service
    assert taken is not None
    assert (taken.name, taken.uid, taken.generation) == ("adder", "service-uid", 1)
    assert taken.fields["timeout"] == "1h"
    assert taken.output_schema == SUM
    container = job_spec(world)["template"]["spec"]["containers"][1]
    assert {"name": "A", "value": "1"} in container["env"]
    assert container["image"] == "sum:1"


async def test_a_later_change_of_the_service_changes_no_run(world: World):
    define(world, timeout="1h")
    apply(world)
    await world.controller.run()
    before = world.execution.status.service
    redefine(world, timeout="1s", runtime={"docker": {"image": "sum:2"}})
    world.pod(running(), running())
    world.wait(60)
    await world.start().run()
    assert world.said() == ("Running", "Running")
    assert world.execution.status.service == before


async def test_the_timeout_of_the_service_stops_the_program(world: World):
    define(world, limits={"timeout": "10s"})
    apply(world)
    await world.controller.run()
    world.pod(running(), running())
    world.wait(60)
    await world.controller.run()
    assert world.said() == ("Running", "Stopping")


async def test_an_own_time_to_live_wins_over_the_services(world: World):
    define(world, ttlSecondsAfterFinished=5)
    await _succeed_as_run(world)
    world.wait(3)
    await world.start().run()
    assert world.kubernetes.one(SERVICE_EXECUTIONS) is not None
    world.edit(ttlSecondsAfterFinished=100)
    world.wait(10)
    await world.start().run()
    assert world.kubernetes.one(SERVICE_EXECUTIONS) is not None
    world.edit(ttlSecondsAfterFinished=None)
    await world.controller.run()
    assert world.kubernetes.one(SERVICE_EXECUTIONS) is None


async def test_a_service_that_is_missing_is_waited_for_but_not_for_ever(world: World):
    apply(world)
    await world.controller.run()
    assert world.said() == ("Pending", "ServiceNotFound")
    assert '"adder"' in message(world)
    world.wait(61)
    await world.controller.run()
    assert world.said() == ("Failed", "ServiceNotFound")


async def test_a_service_that_comes_is_taken_although_no_watch_told_of_it(world: World):
    apply(world)
    await world.controller.run()
    define(world)
    assert await world.controller.reconcile() == 0
    assert world.execution.status.service is not None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"inputSchema": {"type": "nonsense"}}, "spec.inputSchema"),
        ({"outputSchema": {"type": 1}}, "spec.outputSchema"),
        ({"limits": {"output": "many"}}, "spec.limits.output"),
        ({"limits": {"resources": {"cpu": "x"}}}, "spec.limits.resources.cpu"),
        ({"limits": {"timeout": "99999999999h"}}, "spec.limits.timeout"),
        ({"timeout": "2h", "limits": {"timeout": "1h"}}, "spec.timeout is 2h"),
    ],
)
async def test_a_service_that_cannot_be_run_says_so_and_so_do_its_executions(world: World, spec, said):
    define(world, **spec)
    apply(world)
    await world.controller.run()
    assert world.said() == ("Pending", "ServiceNotReady")
    assert said in message(world)
    await world.controller.assembled.service_reconciler.reconcile(ServiceKey("team", "adder"))
    service: Any = world.kubernetes.one(SERVICE_DEFINITIONS)
    (condition,) = service["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Ready", "False", "Invalid")
    assert said in condition["message"]


async def test_ready_is_written_once_and_again_when_it_changes(world: World):
    define(world, inputSchema=NUMBER)
    key = ServiceKey("team", "adder")
    for _ in range(3):
        await world.controller.watch()
        await world.controller.assembled.service_reconciler.reconcile(key)
    assert world.kubernetes.writes() == ["patch servicedefinitions/status"]
    service: Any = world.kubernetes.one(SERVICE_DEFINITIONS)
    assert service["status"]["conditions"][0]["status"] == "True"
    assert service["status"]["observedGeneration"] == 1
    redefine(world, inputSchema={"type": "nonsense"})
    await world.controller.watch()
    await world.controller.assembled.service_reconciler.reconcile(key)
    service = world.kubernetes.one(SERVICE_DEFINITIONS)
    assert service["status"]["conditions"][0]["status"] == "False"
    assert service["status"]["observedGeneration"] == 2


async def test_an_end_that_is_written_in_the_next_month_only_is_counted_once(world: World):
    define(world)
    apply(world)
    await world.controller.run()
    world.pod(running(), running())
    await world.controller.run()
    world.wait(10)
    await world.keep()
    world.pod(ended(), ended(until=16))
    for _ in range(2):
        await world.controller.watch()
        world.kubernetes.fail("patch", "serviceexecutions")
        with pytest.raises(KubernetesError):
            await world.controller.reconcile()
        world.wait(20 * 86_400)
    await world.controller.run()
    assert world.said() == ("Succeeded", "Succeeded")
    sums = world.store.usage_sums
    months = [await sums.month("team", "adder", month) for month in await sums.months("team", "adder")]
    assert [(one.month, one.executions) for one in months] == [("2026-03", 1)]
