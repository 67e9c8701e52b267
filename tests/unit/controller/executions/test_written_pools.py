"""An execution that has opened a data pool of the store for writing, from its first pass to its end."""

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import DATA_POOLS
from serviceexecution.resources.executions.used_pools import UsedPool, WrittenPool
from serviceexecution.store.records import PoolWrite
from tests.unit.controller.harness import World, start
from tests.unit.executions.builders import ended

OPENED = {"work": {"dataPoolRef": {"name": "numbers"}, "readOnly": False}}
USED = UsedPool(property="work", name="numbers", uid="u-1", index="ab", files=2, bytes=30, writable=True)
CONFLICT = PoolWrite(property="work", reason="Conflict", message="Another writer.", index="cd")


@pytest.fixture
def pool(world: World):
    status: JsonObject = {"index": "ab", "files": 2, "bytes": 30}
    metadata: JsonObject = {"name": "numbers", "namespace": "team", "uid": "u-1"}
    world.kubernetes.put(DATA_POOLS, {"metadata": metadata, "spec": {}, "status": status})


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize(
    ("said", "end", "written"),
    [
        ((), ("Succeeded", "Succeeded"), None),
        (
            (PoolWrite(property="work", reason="Written", index="cd"),),
            ("Succeeded", "Succeeded"),
            WrittenPool(reason="Written", index="cd"),
        ),
        (
            (CONFLICT,),
            ("Failed", "DataPoolNotWritten"),
            WrittenPool(reason="Conflict", message="Another writer.", index="cd"),
        ),
    ],
)
async def test_the_end_says_what_became_of_the_changes(world: World, said, end, written):
    await start(world, dataPools=OPENED)
    assert world.execution.status.data_pools == (USED,)
    world.wait(10)
    await world.keep(pools=said)
    world.pod(ended(), ended(until=16))
    await world.controller.run()
    assert world.said() == end
    assert world.execution.status.data_pools == (USED.model_copy(update={"written": written}),)
    assert ('"work": Conflict. Another writer.' in (world.execution.status.message or "")) == (
        said == (CONFLICT,)
    )


@pytest.mark.usefixtures("pool")
async def test_a_program_that_fails_is_told_nothing_of_its_changes(world: World):
    await start(world, dataPools=OPENED)
    world.wait(10)
    await world.keep()
    world.pod(ended(3), ended(until=16))
    await world.controller.run()
    assert world.said() == ("Failed", "ProgramFailed")
    assert world.execution.status.data_pools == (USED,)
