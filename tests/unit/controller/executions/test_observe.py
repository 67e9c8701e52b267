"""What the observer gathers: the main result, where it came from, and a store that does not answer."""

from collections.abc import AsyncIterator

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.executions.observation import Observation
from serviceexecution.executions.verdict import MAIN_OUTPUT_LIMIT, MainOutput
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import DATA_POOLS, JOBS, PERSISTENT_VOLUME_CLAIMS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import LABEL_DATA_POOL_ID
from serviceexecution.store.errors import CorruptRecordError, StoreError
from serviceexecution.store.records import StdoutResult
from tests.support.api_server.requests import Request
from tests.unit.controller.harness import KEY, World, known, start
from tests.unit.executions.builders import ended, file, log, manifest, running


async def observed(world: World) -> Observation:
    await world.controller.watch()
    execution = known(world.controller.cache, KEY)
    observer = world.controller.observer
    return await observer.observe(execution)


async def main_output(world: World, content: bytes | None, *, printed: bytes | None = None):
    """Return what is seen of the main result of a program that wrote and printed that."""
    await start(world)
    world.pod(ended(), running())
    reference = world.execution.reference

    async def chunks() -> AsyncIterator[bytes]:
        yield content or b""

    files = [file(size=len(content))] if content is not None else []
    if content is not None:
        await world.store.outputs.of(reference, 1).write("output.json", chunks())
    await world.store.outputs.commit(reference, manifest(*files))
    result = None
    if printed is not None:
        await world.store.logs.write_stdout_result(reference, printed)
        result = StdoutResult(size=len(printed), sha256="ab" * 32)
    await world.store.logs.commit(reference, log(stdout_result=result))
    return (await observed(world)).output


@pytest.mark.parametrize(
    ("content", "printed", "output"),
    [
        (b'{"sum": 6}', None, MainOutput('{"sum": 6}', from_log=False)),
        (b"1.0\n", b"2", MainOutput("1.0\n", from_log=False)),
        (None, b"[1, 2]", MainOutput("[1, 2]", from_log=True)),
        (None, None, None),
        (b"", None, MainOutput("", from_log=False)),
        (b"\xff\xfe", None, MainOutput(None, from_log=False)),
        (b"x" * MAIN_OUTPUT_LIMIT, None, MainOutput("x" * MAIN_OUTPUT_LIMIT, from_log=False)),
        (b"x" * (MAIN_OUTPUT_LIMIT + 1), None, MainOutput(None, from_log=False)),
        (None, b"x" * (MAIN_OUTPUT_LIMIT + 1), MainOutput(None, from_log=True)),
        (None, b"\xff", MainOutput(None, from_log=True)),
    ],
)
async def test_the_main_result_is_the_file_else_what_was_printed(world: World, content, printed, output):
    assert await main_output(world, content, printed=printed) == output


async def test_the_main_result_is_that_of_the_attempt_that_is_committed(world: World):
    await start(world)
    world.pod(ended(), running())
    reference = world.execution.reference

    async def chunks() -> AsyncIterator[bytes]:
        yield b"{}"

    world.kubernetes.change(SERVICE_EXECUTIONS, "team", "sum", {"status": {"attempts": 2}})
    await world.store.outputs.of(reference, 2).write("output.json", chunks())
    await world.store.outputs.commit(reference, manifest(file(size=2)).model_copy(update={"attempt": 2}))
    assert (await observed(world)).output == MainOutput("{}", from_log=False)


@pytest.mark.parametrize(
    ("error", "unknown"), [(StoreError("away"), True), (CorruptRecordError("bad"), False)]
)
async def test_a_store_that_does_not_answer_is_not_an_empty_one(world: World, monkeypatch, error, unknown):
    await start(world)
    world.pod(ended(), running())

    async def fail(_reference: object) -> None:
        raise error

    monkeypatch.setattr(world.store.logs, "read_record", fail)
    seen = await observed(world)
    assert seen.log is None
    assert seen.results_unknown is unknown


async def test_a_log_that_is_followed_here_is_not_looked_for_in_the_store(world: World, monkeypatch):
    await start(world)
    world.pod(ended(), running())
    await world.store.outputs.commit(world.execution.reference, manifest())

    async def fail(_reference: object) -> None:
        raise StoreError("away")

    monkeypatch.setattr(world.store.logs, "read_record", fail)
    world.controller.followers.under_way = True
    seen = await observed(world)
    assert (seen.manifest is not None, seen.log, seen.results_unknown) == (True, None, False)
    again = await observed(world)
    assert again.results_unknown, "nothing else was asked of the store now, and it is away"
    world.controller.followers.committed = log()
    world.controller.followers.under_way = False
    last = await observed(world)
    assert (last.log, last.results_unknown) == (world.controller.followers.committed, False)


async def test_the_store_is_not_asked_while_the_program_runs(world: World, monkeypatch):
    await start(world)

    async def fail(_reference: object) -> None:
        raise AssertionError

    monkeypatch.setattr(world.store.outputs, "read_manifest", fail)
    assert (await observed(world)).manifest is None


async def test_a_new_execution_costs_no_request(world: World):
    world.apply()
    await world.controller.watch()
    world.kubernetes.requests.clear()
    observer = world.controller.observer
    execution = known(world.controller.cache, KEY)
    seen = await observer.observe(execution)
    assert seen.job is None
    assert world.kubernetes.requests == []


async def test_claims_are_listed_only_for_pools_that_the_input_names(world: World):
    world.apply(inputJson='{"pool": {"ref": "DATAPOOL", "id": "numbers"}}')
    world.kubernetes.put(
        PERSISTENT_VOLUME_CLAIMS,
        {"metadata": {"name": "claim", "namespace": "team", "labels": {LABEL_DATA_POOL_ID: "numbers"}}},
    )
    await world.controller.run()
    assert Request("list", "persistentvolumeclaims", "") in world.kubernetes.requests
    job = world.kubernetes.one(JOBS)
    assert job is not None
    assert "claim-claim" in str(job)


def add_pool(world: World, index: str) -> None:
    labels: JsonObject = {LABEL_DATA_POOL_ID: "numbers"}
    metadata: JsonObject = {"name": "numbers", "namespace": "team", "labels": labels}
    status: JsonObject = {"index": index, "files": 2, "bytes": 30}
    world.kubernetes.put(DATA_POOLS, {"metadata": metadata, "status": status})


async def test_a_pool_of_the_store_is_recorded_before_the_job_is_made(world: World):
    world.apply(inputJson='{"pool": {"ref": "DATAPOOL", "id": "numbers"}}')
    add_pool(world, "ab")
    await world.controller.run()
    job = world.kubernetes.one(JOBS)
    assert job is not None
    assert "data-pools" in str(job)
    (used,) = world.execution.status.data_pools or ()
    assert (used.property, used.name, used.index, used.bytes) == ("pool", "numbers", "ab", 30)
    writes = [write for write in world.kubernetes.writes() if "events" not in write]
    assert writes[0].startswith("patch serviceexecutions")
    assert "create jobs" in writes[1:]


async def test_claims_are_data_pools_where_pools_may_not_be_listed(world: World):
    world.apply(inputJson='{"pool": {"ref": "DATAPOOL", "id": "numbers"}}')
    world.kubernetes.put(
        PERSISTENT_VOLUME_CLAIMS,
        {"metadata": {"name": "claim", "namespace": "team", "labels": {LABEL_DATA_POOL_ID: "numbers"}}},
    )
    world.kubernetes.fail("list", "datapools", KubernetesError("no right", status=403, reason="Forbidden"))
    await world.controller.run()
    assert "claim-claim" in str(world.kubernetes.one(JOBS))


async def test_a_bad_duration_ends_as_a_sentence_and_not_as_a_failing_pass(world: World):
    world.apply(timeout="999999999h")
    await world.controller.run()
    assert world.said() == ("Failed", "InvalidSpec")
    assert "spec.timeout" in (world.execution.status.message or "")


async def test_a_jobs_absence_is_asked_for(world: World):
    await start(world)
    world.kubernetes.remove(JOBS, "team", "sum-0a1b2c3d-1")
    world.kubernetes.requests.clear()
    seen = await observed(world)
    assert seen.job is None
    assert Request("get", "jobs", "sum-0a1b2c3d-1") in world.kubernetes.requests
