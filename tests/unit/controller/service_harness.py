"""A service and executions that refer to it, as users make them."""

from typing import Any, cast

from serviceexecution.kube.kinds import JOBS, SERVICE_DEFINITIONS
from tests.unit.controller.harness import World, succeed

NUMBER = {"type": "object", "properties": {"data": {"type": "number"}}, "required": ["data"]}
SUM = {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]}


def define(world: World, **spec: Any) -> None:
    """Create the service."""
    body: Any = {
        "metadata": {"name": "adder", "namespace": "team", "uid": "service-uid"},
        "spec": {"runtime": {"docker": {"image": "sum:1"}}, **spec},
    }
    world.kubernetes.put(SERVICE_DEFINITIONS, body)


def redefine(world: World, **spec: Any) -> None:
    world.kubernetes.change(SERVICE_DEFINITIONS, "team", "adder", {"spec": spec})


RUN: dict[str, Any] = {"runtime": None, "serviceRef": {"name": "adder"}}


def apply(world: World, **spec: Any) -> None:
    """Create a run of the service."""
    world.apply(**RUN, **spec)


def message(world: World) -> str:
    return world.execution.status.message or ""


def job_spec(world: World) -> Any:
    job = world.kubernetes.one(JOBS)
    assert job is not None
    return job["spec"]


async def _succeed_as_run(world: World, look=None) -> None:
    world_apply = world.apply

    def apply_run(**spec: Any) -> None:
        world_apply(**RUN, **spec)

    cast("Any", world).apply = apply_run
    await succeed(world, look or world.controller.run)
