"""H3: somebody passes for a collector, and replaces what another's program has left. Fails on 9b98b50."""

import asyncio

import pytest

from serviceexecution.resources.reference import ExecutionReference
from tests.unit.gateway.collect.collector_cluster import COUNTED, REF
from tests.unit.gateway.collect.collector_harness import code_of
from tests.unit.gateway.conftest import Gateway

MALLORY = {"Authorization": "Bearer mallory"}
TRUE, FORGED = b'{"honest": true}', b'{"forged": true}'


@pytest.fixture
def gateway(tmp_path):
    found = Gateway(tmp_path)
    found.kubernetes.add_execution()
    return found


def execution(gateway):
    return gateway.kubernetes.objects["serviceexecutions", REF.namespace, REF.name]


def forge(gateway, *, namespace=REF.namespace, job=None, label="2"):
    """Make a Job and a pod that claim to be the execution's, as who may create Jobs and pods can do."""
    objects = gateway.kubernetes.objects
    if job is None:
        job = "forged"
        objects["jobs", namespace, job] = {
            "metadata": {
                "uid": "uid-forged",
                "labels": {"serviceexecution.dev/attempt": label},
                "ownerReferences": [
                    {
                        "apiVersion": "serviceexecution.dev/v1alpha1",
                        "kind": "ServiceExecution",
                        "name": REF.name,
                        "uid": REF.uid,
                        "controller": True,
                    }
                ],
            },
            "spec": {"selector": {"matchLabels": {COUNTED: "uid-forged"}}},
        }
    uid = objects["jobs", namespace, job]["metadata"]["uid"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": uid, "controller": True}
    objects["pods", namespace, "forged"] = {
        "metadata": {"uid": "uid-forged-pod", "labels": {COUNTED: uid}, "ownerReferences": [owner]},
        "status": {"containerStatuses": [{"name": "main", "state": {"running": {}}}]},
    }
    gateway.kubernetes.add_collector_token("mallory", namespace, "forged", "uid-forged-pod")


async def forged(gateway):
    """Try to leave a forged result; return the answers' statuses and codes."""
    put = await gateway.put("output.json", FORGED, headers=MALLORY)
    return code_of(put), code_of(await gateway.commit({"output.json": FORGED}, headers=MALLORY))


async def test_the_output_of_an_ended_execution_is_not_replaced_by_a_later_attempt_s_job(gateway):
    await gateway.put("output.json", TRUE)
    assert (await gateway.commit({"output.json": TRUE})).status_code == 200
    execution(gateway)["status"]["phase"] = "Succeeded"
    forge(gateway)
    assert await forged(gateway) == ((410, "ExecutionGone"), (410, "ExecutionGone"))
    assert (await gateway.get("files/output.json")).content == TRUE


async def test_a_job_that_only_claims_its_owner_is_none_of_a_running_execution_s(gateway):
    forge(gateway, label="1")
    assert await forged(gateway) == ((410, "ExecutionGone"), (410, "ExecutionGone"))
    assert await gateway.store.outputs.of(REF, 1).list() == {}


async def test_before_the_true_job_is_recorded_nobody_is_believed(gateway):
    del execution(gateway)["status"]["job"]
    forge(gateway)
    assert await forged(gateway) == ((503, "JobNotRecorded"), (503, "JobNotRecorded"))


async def test_a_second_pod_of_the_true_job_is_not_believed_beside_the_recorded_one(gateway):
    execution(gateway)["status"]["pod"] = {"name": "pod-1", "uid": "uid-pod-1"}
    forge(gateway, job=f"job-{REF.uid}-1")
    assert await forged(gateway) == ((503, "PodNotRecorded"), (503, "PodNotRecorded"))
    assert (await gateway.put("f", b"1")).status_code == 200


async def test_an_end_is_seen_by_a_commit_although_the_collector_was_believed_a_moment_ago(gateway):
    await gateway.put("output.json", TRUE)
    execution(gateway)["status"]["phase"] = "Failed"
    answer = await gateway.commit({"output.json": TRUE})
    assert code_of(answer) == (410, "ExecutionGone")
    assert await gateway.store.outputs.read_manifest(REF) is None


async def test_a_foreign_namespace_that_claims_the_uid_holds_up_no_upload(gateway):
    """What is known of outputs was kept by uid alone."""
    claimed = ExecutionReference("team-evil", "x", REF.uid)
    gateway.kubernetes.add_execution(claimed, limit=1000, pod="evil", token="mallory")  # noqa: S106
    begun = asyncio.Event()

    async def dripping():
        yield b"x"
        begun.set()
        await asyncio.Event().wait()

    slow = asyncio.create_task(gateway.put("output.json", dripping(), headers=MALLORY))
    await begun.wait()
    assert (await gateway.put("output.json", TRUE)).status_code == 200
    assert (await gateway.put("other.bin", b"y" * 100)).status_code == 200
    slow.cancel()


async def test_a_pod_without_its_annotation_has_not_more_room_than_others(gateway):
    answer = await gateway.http.put(
        "/collect/v1/files/f",
        content=b"",
        headers={"Authorization": "Bearer collector-token", "Content-Length": str(10 * 1024**3 + 1)},
    )
    assert code_of(answer) == (413, "OutputLimitExceeded")


async def test_one_refused_token_costs_the_api_server_one_review_however_often_it_asks(gateway):
    execution(gateway)["status"]["phase"] = "Succeeded"
    answers = await asyncio.gather(*(gateway.put(f"f{number}", b"") for number in range(100)))
    assert {answer.status_code for answer in answers} <= {410, 429}
    assert gateway.kubernetes.reviews == 1
