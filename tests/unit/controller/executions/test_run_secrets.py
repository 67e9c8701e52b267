"""The Secret of a run goes with its end, also when the controller is killed."""

from datetime import timedelta
from typing import Any, cast

import pytest

from serviceexecution.kube.kinds import EVENTS, JOBS, SECRETS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import ANNOTATION_RUN_SECRET
from tests.support.api_server.bodies import metadata_of
from tests.support.api_server.requests import Crash, Request, refusal
from tests.unit.controller.harness import World
from tests.unit.controller.service_harness import SUM, _succeed_as_run, define

ENDING = [
    "patch serviceexecutions/status",
    "create configmaps",
    "create jobs",
    "patch serviceexecutions/status",
    "patch serviceexecutions/status",
    "delete secrets",
    "patch serviceexecutions/status",
    "delete jobs",
]
"""All writes of a successful run of a service whose secrets go at its end."""


def _with_secret(world: World) -> None:
    world.kubernetes.put(SECRETS, {"metadata": {"name": "sum", "namespace": "team"}})
    original = world.apply

    def annotated(**spec: Any) -> None:
        original(**spec)
        body: Any = world.kubernetes.one(SERVICE_EXECUTIONS)
        metadata_of(body)["annotations"] = {ANNOTATION_RUN_SECRET: "sum"}

    cast("Any", world).apply = annotated


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(len(ENDING)))
async def test_a_controller_killed_at_any_write_comes_to_the_same_end(world: World, write, moment):
    left = write
    define(
        world, outputSchema=SUM, resultRetention="1h", concurrency=1, callback={"url": "https://a.example"}
    )
    _with_secret(world)

    def kill(request: Request, when: str) -> None:
        nonlocal left
        if request.verb in {"get", "list"} or request.resource == EVENTS.plural or when != moment:
            return
        if left == 0:
            left = -1
            raise Crash
        left -= 1

    async def look() -> None:
        try:
            await world.controller.run()
        except Crash:
            await world.start().run()

    world.kubernetes.hook = kill
    await _succeed_as_run(world, look)
    assert left < 0, "the write happened"
    assert world.said() == ("Succeeded", "Succeeded")
    assert world.kubernetes.one(JOBS) is None
    assert world.kubernetes.one(SECRETS) is None
    assert world.kubernetes.created["jobs"] == 1
    status = world.execution.status
    assert status.completion_time is not None
    noted = await world.store.notes.read_expiry("team", world.execution.metadata.uid)
    assert noted is not None
    assert abs(noted - status.completion_time - timedelta(hours=1)) < timedelta(seconds=1)
    (month,) = await world.store.usage_sums.months("team", "adder")
    assert (await world.store.usage_sums.month("team", "adder", month)).executions == 1
    assert status.callback is not None
    assert status.callback.state == "Pending"
    assert world.controller.called_back[-1].metadata.uid == world.execution.metadata.uid


@pytest.mark.parametrize(("missing", "left"), [(1, False), (100, True)], ids=["for-a-moment", "for-good"])
async def test_a_right_to_delete_the_secret_that_is_missing(world: World, missing: int, left: bool):
    """An API server that has just started has no roles for a moment; without the right the run ends all the same."""
    define(world)
    _with_secret(world)

    def forbid(request: Request, when: str) -> None:
        nonlocal missing
        if (request.verb, request.resource, when) == ("delete", "secrets", "before") and missing:
            missing -= 1
            raise refusal(403, 'secrets "sum" is forbidden: User "us" cannot delete resource "secrets"')

    world.kubernetes.hook = forbid
    await _succeed_as_run(world)
    for _ in range(6):
        assert await world.controller.run() in {None, 1.0}, "no worker waits meanwhile"
        world.wait(1)
    assert world.said() == ("Succeeded", "Succeeded")
    assert (world.kubernetes.one(SECRETS) is not None) is left


async def test_the_writes_of_a_run(world: World):
    define(world)
    _with_secret(world)
    await _succeed_as_run(world)
    assert list(world.kubernetes.writes()) == ENDING


class TestTheRunsSecret:
    async def test_a_run_s_secret_goes_when_its_start_is_cancelled(self, world: World):
        _with_secret(world)
        world.apply(cancel=True)
        await world.controller.run()
        assert world.said() == ("Cancelled", "Cancelled")
        assert world.kubernetes.writes() == ["delete secrets", "patch serviceexecutions/status"]

    @pytest.mark.parametrize("status", [403, 404])
    async def test_a_refusal_holds_nothing_up(self, world: World, status):
        def refuse(request: Request, when: str) -> None:
            if (request.verb, request.resource, when) == ("delete", "secrets", "before"):
                raise refusal(status, "no")

        world.kubernetes.hook = refuse
        _with_secret(world)
        world.apply(cancel=True)
        await world.controller.run()
        assert world.said() == ("Cancelled", "Cancelled")

    async def test_a_run_without_a_secret_of_its_own_asks_for_no_deletion(self, world: World):
        world.apply(cancel=True)
        await world.controller.run()
        assert world.kubernetes.writes() == ["patch serviceexecutions/status"]
