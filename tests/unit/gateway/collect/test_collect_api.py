import asyncio
import copy
from urllib.parse import quote

import httpx
import pytest

from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.resources.reference import ExecutionReference
from tests.unit.gateway.collect.collector_cluster import COUNTED, REF
from tests.unit.gateway.collect.collector_harness import ODD, code_of
from tests.unit.gateway.conftest import COLLECTOR, Gateway, entry


async def test_upload_commit_and_manifest(gateway):
    gateway.kubernetes.add_execution()
    files = {path: path.encode() for path in ODD}
    for path, data in files.items():
        answer = await gateway.put(path, data)
        assert (answer.status_code, answer.json()) == (200, entry(path, data))
    assert await gateway.store.outputs.read_manifest(REF) is None
    answer = await gateway.commit(
        files, [{"path": "fifo", "reason": "not a regular file"}], limitExceeded=True
    )
    assert answer.status_code == 200
    manifest = await gateway.store.outputs.read_manifest(REF)
    assert [file.path for file in manifest.files] == sorted(files)
    assert manifest.skipped[0].reason == "not a regular file"
    assert (manifest.limit_exceeded, manifest.pod_uid, manifest.attempt) == (True, "uid-pod-1", 1)
    assert manifest.total_bytes == sum(map(len, files.values()))


async def test_upload_and_commit_can_be_repeated(gateway):
    gateway.kubernetes.add_execution()
    for _ in range(2):
        assert (await gateway.put("f", b"1")).status_code == 200
    for _ in range(2):
        assert (await gateway.commit({"f": b"1"})).status_code == 200
    first = await gateway.store.outputs.read_manifest(REF)
    gateway.restart()
    assert (await gateway.commit({"f": b"1"})).status_code == 200
    assert await gateway.store.outputs.read_manifest(REF) == first
    assert code_of(await gateway.put("f", b"2")) == (409, "AlreadyCommitted")
    assert code_of(await gateway.commit({})) == (409, "AlreadyCommitted")


async def test_what_a_plain_run_asks_the_api_server(gateway):
    """Whose the token is; its pod, Job and execution; and at the commit whether the execution waits for it still."""
    gateway.kubernetes.add_execution()
    assert await main_state(gateway, 0) == "running"
    assert (await gateway.commit({})).status_code == 200
    assert gateway.kubernetes.reviews == 1
    asked = [(request.verb, request.resource) for request in gateway.kubernetes.requests]
    executions = ("get", "serviceexecutions")
    assert asked == [("get", "pods"), ("get", "jobs"), executions, executions]


@pytest.mark.parametrize(
    "files", [{"f": b"1"}, {"f": b"2"}, {"gone": b""}, {f"f{n}": b"" for n in range(2000)}]
)
async def test_what_an_ended_execution_has_left_is_final(gateway, files):
    """Also for a collector that was known before, whatever it would have committed, and whether it has or not."""
    for committed in (False, True):
        gateway.kubernetes.add_execution()
        assert (await gateway.put("f", b"1")).status_code in {200, 409}
        if committed:
            assert (await gateway.commit({"f": b"1"})).status_code == 200
        ended = {"status": {"phase": "Succeeded"}}
        gateway.kubernetes.change(SERVICE_EXECUTIONS, REF.namespace, REF.name, ended)
        assert code_of(await gateway.commit(files)) == (410, "ExecutionGone")


@pytest.mark.parametrize("restarted", [False, True])
async def test_commit_must_be_what_is_stored(gateway, restarted):
    gateway.kubernetes.add_execution()
    await gateway.put("f", b"1")
    await gateway.put("g", b"1")
    if restarted:
        gateway.restart()
    for files in ({"f": b"1", "g": b"2"}, {"f": b"1", "g": b"12"}):
        answer = await gateway.commit(files)
        assert code_of(answer) == (409, "FileMismatch")
        assert answer.json()["path"] == "g"
    answer = await gateway.commit({"h": b""})
    assert answer.json()["path"] == "h"
    assert await gateway.store.outputs.read_manifest(REF) is None
    assert (await gateway.commit({"f": b"1", "g": b"1"})).status_code == 200


async def test_deleted_file_leaves_the_store(gateway):
    gateway.kubernetes.add_execution(limit=10)
    await gateway.put("a", b"x" * 10)
    assert code_of(await gateway.put("b", b"x" * 10)) == (413, "OutputLimitExceeded")
    answer = await gateway.http.delete("/collect/v1/files/a", headers=COLLECTOR)
    assert answer.status_code == 204
    assert (await gateway.put("b", b"x" * 10)).status_code == 200
    assert set(await gateway.store.outputs.of(REF, 1).list()) == {"b"}


async def test_output_limit_counts_all_files_announced_or_not(gateway):
    async def unannounced():
        for _ in range(11):
            yield b"x"

    gateway.kubernetes.add_execution(limit=10)
    assert (await gateway.put("a", b"x" * 10)).status_code == 200
    assert (await gateway.put("a", b"x" * 10)).status_code == 200
    assert code_of(await gateway.put("b", b"x")) == (413, "OutputLimitExceeded")
    assert code_of(await gateway.put("a", unannounced())) == (413, "OutputLimitExceeded")
    assert (await gateway.put("empty", b"")).status_code == 200
    gateway.restart()
    assert code_of(await gateway.put("b", b"x")) == (413, "OutputLimitExceeded")
    assert (await gateway.put("a", b"x")).status_code == 200


async def test_a_later_attempt_supersedes_the_files_of_the_first(gateway):
    second = {"Authorization": "Bearer second"}
    gateway.kubernetes.add_execution()
    await gateway.put("f", b"1")
    gateway.kubernetes.add_execution(attempt=2, pod="pod-2", token="second")  # noqa: S106
    await gateway.put("g", b"2", headers=second)
    assert (await gateway.commit({"g": b"2"}, headers=second)).status_code == 200
    gateway.restart()
    assert code_of(await gateway.put("f", b"1")) == (410, "ExecutionGone")
    assert code_of(await gateway.commit({"f": b"1"})) == (410, "ExecutionGone")
    assert (await gateway.store.outputs.read_manifest(REF)).attempt == 2


async def test_executions_are_kept_apart(gateway):
    other = ExecutionReference("team-a", "product", "another-uid")
    gateway.kubernetes.add_execution()
    gateway.kubernetes.add_execution(other, pod="pod-9", token="other")  # noqa: S106
    await gateway.put("f", b"1")
    await gateway.put("f", b"22", headers={"Authorization": "Bearer other"})
    assert (await gateway.store.outputs.of(REF, 1).digest("f"))[0] == 1
    assert (await gateway.store.outputs.of(other, 1).digest("f"))[0] == 2


@pytest.mark.parametrize("path", ["a/../../b", "..", "/etc/passwd", "a//b", "a/", ".", "nul\0", "n" * 256])
async def test_uploads_to_bad_paths_are_refused(gateway, path):
    gateway.kubernetes.add_execution()
    assert code_of(await gateway.put(path, b"")) == (400, "InvalidPath")


async def test_path_that_is_not_utf8(gateway):
    gateway.kubernetes.add_execution()
    url = httpx.URL("http://gateway", raw_path=b"/collect/v1/files/caf%E9")
    answer = await gateway.http.put(url, content=b"", headers=COLLECTOR)
    assert code_of(answer) == (400, "InvalidPath")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"files": [{"path": "a"}]}', b'{"files": 1}',
     b'{"files": [{"path": "a", "size": -1, "sha256": "' + b"0" * 64 + b'"}]}',
     b'{"files": [{"path": "a", "size": 0, "sha256": "nope"}]}'],
)  # fmt: skip
async def test_bad_commits_are_refused(gateway, body):
    gateway.kubernetes.add_execution()
    answer = await gateway.http.post("/collect/v1/commit", content=body, headers=COLLECTOR)
    assert code_of(answer) == (400, "BadRequest")


async def test_commit_with_bad_paths(gateway):
    gateway.kubernetes.add_execution()
    assert code_of(await gateway.commit({"../x": b""})) == (400, "InvalidPath")
    body = {"files": [entry("a", b""), entry("a", b"")]}
    answer = await gateway.http.post("/collect/v1/commit", json=body, headers=COLLECTOR)
    assert code_of(answer) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (401, "Unauthorized")),
        ({"Authorization": "Basic x"}, (401, "Unauthorized")),
        ({"Authorization": "Bearer "}, (401, "Unauthorized")),
        ({"Authorization": "Bearer nonsense"}, (401, "Unauthorized")),
        ({"Authorization": "Bearer user-token"}, (401, "Unauthorized")),
        ({"Authorization": "Bearer gone-pod"}, (410, "ExecutionGone")),
        ({"Authorization": "Bearer other-pod-of-that-name"}, (410, "ExecutionGone")),
        ({"Authorization": "Bearer uncounted-pod"}, (403, "NotACollector")),
        ({"Authorization": "Bearer bare-pod"}, (403, "NotACollector")),
        ({"Authorization": "Bearer bare-job"}, (403, "NotACollector")),
        ({"Authorization": "Bearer job-replaced"}, (410, "ExecutionGone")),
    ],
)
async def test_only_collectors_may_upload(gateway, headers, expected):
    kubernetes = gateway.kubernetes
    kubernetes.add_execution()
    kubernetes.add_collector_token("gone-pod", "team-a", "nope", "u")
    kubernetes.add_collector_token("other-pod-of-that-name", "team-a", "pod-1", "older-uid")
    job = {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "uj", "controller": True}
    replaced = {**job, "uid": "older"}
    for pod, owners in (("bare-pod", []), ("bare-job", [job]), ("job-replaced", [replaced])):
        labels = {COUNTED: "uj"}
        kubernetes.objects["pods", "team-a", pod] = {
            "metadata": {"uid": "u", "labels": labels, "ownerReferences": owners}
        }
        kubernetes.add_collector_token(pod, "team-a", pod, "u")
    kubernetes.objects["jobs", "team-a", "j"] = {
        "metadata": {"uid": "uj", "labels": {"x": "y"}},
        "spec": {"selector": {"matchLabels": {COUNTED: "uj"}}},
    }
    uncounted = copy.deepcopy(kubernetes.objects["pods", "team-a", "pod-1"])
    del uncounted["metadata"]["labels"]
    kubernetes.objects["pods", "team-a", "uncounted-pod"] = uncounted
    kubernetes.add_collector_token("uncounted-pod", "team-a", "uncounted-pod", "uid-pod-1")
    answer = await gateway.put("f", b"1", headers=headers)
    assert code_of(answer) == expected
    assert ("www-authenticate" in answer.headers) == (expected[0] == 401)
    assert await gateway.store.outputs.of(REF, 1).list() == {}


async def test_a_collector_s_identity_is_cached(gateway):
    gateway.kubernetes.add_execution()
    for number in range(5):
        await gateway.put(f"f{number}", b"1")
    assert gateway.kubernetes.reviews == 1


async def test_collectors_get_503_while_the_api_server_is_down(gateway):
    gateway.kubernetes.down = True
    answer = await gateway.put("f", b"1")
    assert code_of(answer) == (503, "KubernetesUnavailable")
    assert answer.headers["retry-after"]


async def test_uploads_wait_for_their_turn(tmp_path):
    gateway = Gateway(tmp_path, large_uploads=1, upload_queue_seconds=0.05)
    gateway.kubernetes.add_execution()
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow():
        yield b"1"
        started.set()
        await finish.wait()

    first = asyncio.create_task(gateway.put("slow", slow()))
    await started.wait()
    assert code_of(await gateway.put("slow", b"2")) == (503, "UploadInProgress")
    assert code_of(await gateway.put("large", b"x" * 2_000_000)) == (503, "TooManyUploads")
    assert (await gateway.put("small", b"x")).status_code == 200
    finish.set()
    assert (await first).status_code == 200
    assert (await gateway.put("large", b"x" * 2_000_000)).status_code == 200


async def test_an_upload_whose_sender_is_silent_is_given_up(tmp_path):
    gateway = Gateway(tmp_path, body_idle_seconds=0.05)
    gateway.kubernetes.add_execution()

    async def silent():
        yield b"1"
        await asyncio.Event().wait()

    assert code_of(await gateway.put("f", silent())) == (408, "BodyTimeout")
    assert await gateway.store.outputs.of(REF, 1).list() == {}


async def main_state(gateway, wait):
    return (await gateway.http.get(f"/collect/v1/main?wait={wait}", headers=COLLECTOR)).json()["state"]


async def test_a_collector_is_told_the_state_of_main(gateway):
    gateway.kubernetes.add_execution()
    assert await main_state(gateway, 0) == "running"
    await gateway.kubernetes.set_main("waiting")
    assert await main_state(gateway, 0) == "waiting"
    await gateway.kubernetes.set_main("terminated")
    assert await main_state(gateway, 30) == "terminated"
    del gateway.kubernetes.objects["pods", REF.namespace, "pod-1"]
    assert await main_state(gateway, 0) == "terminated"


async def test_main_state_answers_at_the_change(gateway):
    gateway.kubernetes.add_execution()
    asked = asyncio.create_task(main_state(gateway, 30))
    while not asked.done():
        await asyncio.sleep(0.01)
        await gateway.kubernetes.set_main("terminated")
    assert await asked == "terminated"


async def test_main_state_answers_after_the_wait_and_at_shutdown(gateway):
    gateway.kubernetes.add_execution()
    assert await main_state(gateway, 0.05) == "running"
    asked = asyncio.create_task(main_state(gateway, 30))
    await asyncio.sleep(0)
    gateway.draining.set()
    assert await asyncio.wait_for(asked, 5) == "running"
    answer = await gateway.http.get("/collect/v1/main?wait=x", headers=COLLECTOR)
    assert code_of(answer) == (400, "BadRequest")


async def test_quoted_slash_is_a_separator(gateway):
    gateway.kubernetes.add_execution()
    answer = await gateway.http.put(f"/collect/v1/files/{quote('a/b')}", content=b"1", headers=COLLECTOR)
    assert answer.json()["path"] == "a/b"
