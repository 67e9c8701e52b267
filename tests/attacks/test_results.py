"""Findings H4 (result_document.py), M1 and M3: results of any size cost the gateway bounded steps and memory.

Each test fails on 9b98b50.
"""

import json
import tracemalloc
from datetime import UTC, datetime

import pytest

from serviceexecution.gateway.state.outputs import CommittedOutputs
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.keys import ExecutionKeys
from serviceexecution.store.records import OutputManifest, StoredFile
from serviceexecution.store.store import ResultStore
from tests.support.loop_steps import measured_steps
from tests.unit.gateway.service_api.service_harness import Service, service

__all__ = ["service"]

FILES = 50_000
MIB = 1024**2
STEP_SECONDS = 0.05


def manifest_of(number: int, name_length: int = 20) -> OutputManifest:
    now = datetime.now(UTC)
    files = tuple(
        StoredFile(path=f"{at:0{name_length}d}", size=0, sha256="0" * 64, media_type="text/plain")
        for at in range(number)
    )
    return OutputManifest(pod_uid="p", files=files, committed_at=now)


async def keep(store: ResultStore, ref: ExecutionReference, manifest: OutputManifest) -> None:
    """Keep a manifest whose files nobody reads."""
    await store.outputs._records.write(ExecutionKeys.of("cluster", ref).manifest, manifest)


@pytest.fixture
async def crowded(service: Service) -> tuple[Service, ExecutionReference]:
    ref = service.finish(await service.started(), "Succeeded")
    await keep(service.store, ref, manifest_of(FILES))
    return service, ref


async def test_a_result_with_50_000_files_is_whole_and_holds_up_nobody(crowded):
    service, ref = crowded
    with measured_steps() as steps:
        answer = await service.get(f"/{ref.name}/result")
    assert len(answer.json()["_links"]) == FILES + 2
    assert steps.longest < STEP_SECONDS


async def test_a_list_of_50_000_files_is_parsed_once_for_many_requests(crowded, monkeypatch):
    service, ref = crowded
    reads = []
    read_manifest = service.store.outputs.read_manifest

    async def counted(ref):
        reads.append(ref)
        return await read_manifest(ref)

    monkeypatch.setattr(service.store.outputs, "read_manifest", counted)
    with measured_steps() as steps:
        for _ in range(5):
            answer = await service.http.head(f"{service.base}/{ref.name}/result/{0:020d}")
            assert answer.status_code == 200
    assert len(reads) == 1
    assert steps.longest < STEP_SECONDS


@pytest.fixture
async def many_members(service: Service) -> tuple[Service, str, bytes]:
    reference = service.finish(await service.started(), "Succeeded")
    text = b"{" + b",".join(b'"%x":0' % number for number in range(500_000)) + b"}"
    await service.keep(reference, {"output.json": text})
    return service, reference.name, text


async def test_many_small_members_are_a_file_and_hold_up_nobody(many_members):
    service, name, text = many_members
    with measured_steps() as steps:
        answer = await service.get(f"/{name}/result")
    assert set(answer.json()) == {"_embedded", "_links"}
    assert steps.longest < STEP_SECONDS
    assert (await service.get(f"/{name}/result/output.json")).content == text


async def test_many_small_members_are_a_file_and_no_hundred_megabytes(many_members):
    service, name, _ = many_members
    tracemalloc.start()
    try:
        answer = await service.get(f"/{name}/result")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert set(answer.json()) == {"_embedded", "_links"}
    assert peak < 64 * MIB


async def test_a_large_main_result_is_whole_and_holds_up_nobody(service):
    ref = service.finish(await service.started(), "Succeeded")
    members = {f"m{number}": [0.5] * 200 for number in range(2000)}
    text = json.dumps(members).encode()
    await service.keep(ref, {"output.json": text})
    with measured_steps() as steps:
        answer = await service.get(f"/{ref.name}/result")
    found = answer.json()
    assert {name: found[name] for name in members} == members
    assert steps.longest < STEP_SECONDS


async def test_one_namespaces_lists_never_fill_what_is_remembered():
    store = ResultStore.open("memory:///", "cluster")
    outputs = CommittedOutputs(store, remembered_bytes=1_000_000)
    witness = ExecutionReference("team-b", "run", "uid-b")
    await keep(store, witness, manifest_of(500))
    assert (first := await outputs.read(witness, final=True)) is not None
    for number in range(20):
        ref = ExecutionReference("team-evil", f"run-{number}", f"uid-{number}")
        await keep(store, ref, manifest_of(500))
        await outputs.read(ref, final=True)
    assert await outputs.read(witness, final=True) is first
    assert outputs._of_namespace["team-evil"] <= 500_000


async def test_what_has_not_ended_is_read_anew():
    store = ResultStore.open("memory:///", "cluster")
    outputs = CommittedOutputs(store)
    ref = ExecutionReference("team-a", "run", "uid")
    await keep(store, ref, manifest_of(1))
    await outputs.read(ref, final=False)
    await keep(store, ref, manifest_of(2))
    assert (found := await outputs.read(ref, final=True)) is not None
    assert len(found.files) == 2


async def test_a_log_of_short_lines_becomes_json_beside_the_event_loop(service):
    ref = service.finish(await service.started(), "Succeeded")
    await service.keep(ref, {})
    lines = b"2026-11-23T14:18:55.645123456Z x\n" * 30_000
    await service.store.logs.of(ref, 1).write(1, lines)
    with measured_steps() as steps:
        answer = await service.get(f"/{ref.name}/log")
    assert len(answer.json()) == 30_000
    assert steps.longest < STEP_SECONDS
