"""Executions that wait cost few requests, and a full store holds no run up.

Each test fails on 9b98b50.
"""

from typing import cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.controller.known.cached_execution import (
    LiveExecution,
)
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    SERVICE_DEFINITIONS,
    SERVICE_EXECUTIONS,
)
from serviceexecution.store.errors import StoreFullError
from tests.attacks.controller_world import execution, service
from tests.support.api_server.requests import Request, refusal
from tests.unit.controller.conftest import world
from tests.unit.controller.harness import KEY, World, succeed

__all__ = ["world"]


async def requests_in(world: World, seconds: float) -> int:
    """Return the requests of passes that come when each says that it is to be looked at again."""
    world.kubernetes.requests.clear()
    passed = 0.0
    while passed < seconds:
        wake = await world.controller.reconcile()
        if wake is None:
            break
        world.wait(max(wake, 0.01))
        passed += max(wake, 0.01)
    return len(world.kubernetes.requests)


async def test_who_waits_for_a_quota_asks_ever_more_seldom(world: World) -> None:
    """Controller 8d: 125 executions in a namespace without quota took all requests of the controller."""

    def refuse(request: Request, when: str) -> None:
        if when == "before" and (request.verb, request.resource) == ("create", "jobs"):
            raise refusal(403, "jobs.batch is forbidden: exceeded quota: count")

    world.kubernetes.hook = refuse
    world.apply(startTimeout="1h")
    await world.controller.run()
    assert world.said() == ("Pending", "QuotaExceeded")
    await requests_in(world, 120)
    assert await requests_in(world, 600) <= 60, "ten passes of at most six requests; there were 480"


async def test_who_waits_for_a_first_build_is_woken_and_asks_nothing(world: World) -> None:
    """Controller 8d: 500 executions that waited for a first build took all requests of the controller."""
    building = service(source={"archive": {"digest": "sha256:" + "a" * 64}})
    building["spec"] = {**cast("JsonObject", building["spec"]), "runtime": {"docker": {"build": {}}}}
    world.kubernetes.put(SERVICE_DEFINITIONS, building)
    world.apply(runtime=None, serviceRef={"name": "adder"}, startTimeout="1h")
    await world.controller.run()
    assert world.said() == ("Pending", "ServiceNotReady")
    checks = 0
    check_schema = world.controller.checker.check_schema

    async def counted(schema: JsonObject) -> None:
        nonlocal checks
        checks += 1
        await check_schema(schema)

    world.controller.checker.check_schema = counted  # type: ignore[method-assign]
    assert await requests_in(world, 300) == 0
    assert checks == 0
    world.controller.woken.clear()
    world.kubernetes.change(
        SERVICE_DEFINITIONS, "team", "adder", {"spec": {"runtime": {"docker": {"image": "a"}}}}
    )
    await world.controller.watch()
    assert world.controller.woken == [KEY]


async def test_who_is_queued_is_checked_once(world: World) -> None:
    """Controller 8d: each of 3,000 queued executions had its ConfigMap read and three schemas checked each minute."""
    world.kubernetes.put(
        SERVICE_DEFINITIONS,
        service(concurrency=1, inputSchema={"type": "object"}, outputSchema={"type": "object"}),
    )
    world.kubernetes.put(CONFIG_MAPS, {"metadata": {"name": "in", "namespace": "team"}, "data": {"a": "1"}})
    first = execution(1, phase="Running")
    world.kubernetes.put(SERVICE_EXECUTIONS, first)
    world.apply(
        runtime=None, serviceRef={"name": "adder"}, inputJson=None, inputFrom={"configMapRef": {"name": "in"}}
    )
    await world.controller.run()
    record = world.controller.cache.executions[KEY]
    assert isinstance(record, LiveExecution)
    assert record.reason == "Queued"
    assert await requests_in(world, 3_600) == 0


async def test_a_full_store_keeps_no_run_from_ending(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Controller 34: with resultRetention a run could not end while others had filled the store."""

    async def full(*_: object) -> None:
        raise StoreFullError("writing the expiry: no space left")

    monkeypatch.setattr(world.store.notes, "write_expiry", full)

    async def look() -> None:
        await world.controller.run()

    apply = world.apply
    monkeypatch.setattr(world, "apply", lambda: apply(resultRetention="1h"))
    await succeed(world, look)
    assert world.said() == ("Succeeded", "Succeeded")
