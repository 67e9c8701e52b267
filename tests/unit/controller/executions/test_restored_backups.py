"""etcd restored from an older snapshot: no program runs twice, and no result is shown that is another run's."""

import copy

import pytest

from serviceexecution.kube.kinds import JOBS, SERVICE_EXECUTIONS
from serviceexecution.store.errors import StoreError
from tests.unit.controller.harness import RESULT, World, succeed
from tests.unit.executions.builders import ended, running


async def test_a_run_that_etcd_has_forgotten_is_not_run_again(world: World) -> None:
    world.apply()
    backup = copy.deepcopy(world.kubernetes.objects)
    world.kubernetes.remove(SERVICE_EXECUTIONS, "team", "sum")
    await succeed(world, world.controller.run)
    world.kubernetes.objects = backup
    world.start()
    await world.controller.run()
    assert world.kubernetes.writes().count("create jobs") == 1
    assert world.said() == ("Failed", "RanBefore")
    status = world.execution.status
    assert status.result is not None
    assert status.result.output == RESULT.decode(), "its own result, although how it ended is not known"
    assert status.log is not None
    assert "is not run again" in (status.message or "")


async def test_a_part_of_a_log_proves_a_run(world: World) -> None:
    world.apply()
    await world.store.logs.of(world.execution.reference, 1).write(1, b"line\n")
    await world.controller.run()
    assert world.kubernetes.one(JOBS) is None
    assert world.said() == ("Failed", "RanBefore")


async def test_an_undelivered_callback_proves_none(world: World) -> None:
    world.apply()
    await world.store.notes.write_dead_letter(world.execution.reference, b"{}")
    await world.controller.run()
    assert world.kubernetes.one(JOBS) is not None


async def test_starts_do_not_wait_for_the_store(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> bool:
        raise StoreError("away")

    monkeypatch.setattr(world.store, "has_run", away)
    world.apply()
    await world.controller.run()
    assert world.kubernetes.one(JOBS) is not None


async def test_a_result_of_another_pod_is_not_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store was away at the start, so that the run of before was not known."""

    async def away(*_: object) -> bool:
        raise StoreError("away")

    monkeypatch.setattr(world.store, "has_run", away)
    world.apply()
    await world.keep()
    for record, read in (("manifest", world.store.outputs), ("log", world.store.logs)):
        name = "read_manifest" if record == "manifest" else "read_record"
        real = getattr(read, name)

        async def of_another_pod(reference: object, real: object = real) -> object:
            found = await real(reference)
            return found.model_copy(update={"pod_uid": "another"})

        monkeypatch.setattr(read, name, of_another_pod)
    await world.controller.run()
    world.pod(running(), running())
    await world.controller.run()
    world.pod(ended(3), ended(0))
    world.wait(10_000)
    for _ in range(3):
        await world.controller.run()
    status = world.execution.status
    assert status.result is None
    assert status.log is None
