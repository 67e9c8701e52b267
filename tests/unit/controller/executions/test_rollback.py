"""`helm rollback`: objects that a newer version wrote, read by this one."""

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import JOBS, SERVICE_EXECUTIONS
from tests.unit.controller.harness import World, start
from tests.unit.executions.builders import ended


def change(world: World, **status: object) -> None:
    """Let the status be as a newer version wrote it."""
    world.kubernetes.change(SERVICE_EXECUTIONS, "team", "sum", {"status": status})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "status",
    [
        {"stopRequested": {"reason": "Relocated", "time": "2026-03-01T12:00:08Z"}},
        {"phase": "Relocated"},
        {"reason": "Relocated", "novelty": {"a": 1}},
        {"usage": {"waitSeconds": "long"}},
        {"phase": "Relocated", "stopRequested": {"reason": "Relocated"}, "log": {"bytes": "many"}},
    ],
    ids=["stop", "phase", "unknown members", "usage", "several"],
)
async def test_a_run_with_newer_words_in_its_status_goes_on_to_its_right_end(
    world: World, status: JsonObject
) -> None:
    await start(world)
    await world.keep()
    change(world, **status)
    world.start()
    await world.controller.run()
    assert world.kubernetes.one(JOBS) is not None
    world.wait(5)
    world.pod(ended(), ended(until=11))
    await world.controller.run()
    assert world.said_raw() == ("Succeeded", "Succeeded")
    assert world.kubernetes.writes().count("create jobs") == 1


@pytest.mark.parametrize(
    "status",
    [
        {"job": {"name": "sum", "uid": ["several"]}},
        {"phase": "Archived", "completionTime": "2026-03-01T12:00:08Z"},
    ],
    ids=["job", "ended"],
)
async def test_what_cannot_be_judged_is_left_alone(world: World, status: JsonObject) -> None:
    await start(world)
    change(world, **status)
    world.start()
    writes = len(world.kubernetes.writes())
    await world.controller.run()
    assert len(world.kubernetes.writes()) == writes
    assert world.kubernetes.one(JOBS) is not None


async def test_a_run_whose_spec_cannot_be_read_does_not_run_on_unseen(world: World) -> None:
    await start(world)
    world.kubernetes.change(SERVICE_EXECUTIONS, "team", "sum", {"spec": {"runtime": {"docker": 7}}})
    world.start()
    await world.controller.run()
    assert world.said_raw() == ("Failed", "InvalidSpec")
    assert world.kubernetes.one(JOBS) is None
