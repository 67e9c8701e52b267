"""Pods that serve volumes: started for a wish, believed only when they are ours, deleted when nobody asks."""

from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from serviceexecution.controller.work.keys import PoolKey
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import EVENTS, JOBS, PERSISTENT_VOLUME_CLAIMS, PODS
from serviceexecution.store.pools.keys import PoolReference
from tests.unit.controller.data_pools.volume_cluster import NOTHING, Body, Cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


async def test_a_volume_that_nobody_asks_for_has_no_pod(cluster: Cluster) -> None:
    assert await cluster.look() is None
    assert (cluster.jobs(), cluster.said()) == ([], NOTHING)


async def test_a_wish_starts_a_restricted_pod_with_its_secret_in_the_store(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    (job,) = cluster.jobs()
    assert cluster.access()["job"] == job["metadata"]["name"]
    assert cluster.access()["jobUid"] == job["metadata"]["uid"]
    assert cluster.said()[:2] == ("False", "Starting")
    reference = PoolReference("team", cluster.pool()["metadata"]["uid"])
    secret = await cluster.store.pools.read_secret(reference, job["metadata"]["name"])
    assert secret is not None
    assert len(secret) == 32
    assert secret.hex() not in str(job), "who may look at Jobs must not learn it"
    pod = job["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert [one["persistentVolumeClaim"]["claimName"] for one in pod["volumes"]] == ["models"]
    (container,) = pod["containers"]
    assert (container["image"], container["args"]) == ("registry/collector:1", ["serve-volume"])
    await cluster.look()
    assert len(cluster.jobs()) == 1


async def test_the_address_is_told_when_the_pod_runs(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    pod = cluster.pod(running=False)
    await cluster.look()
    assert "address" not in cluster.access()
    pod["status"]["containerStatuses"][0]["state"] = {"running": {}}
    cluster.kubernetes.put(PODS, pod)
    await cluster.look()
    assert cluster.access()["address"] == "10.1.2.3"
    assert cluster.said()[:2] == ("True", "Reachable")


async def test_a_pod_that_only_looks_like_ours_is_not_believed(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    cluster.pod(name="forged", address="10.9.9.9", uid="somebody-else-s")
    await cluster.look()
    assert "address" not in cluster.access()
    cluster.pod(name="ours")
    cluster.now += timedelta(seconds=5)
    cluster.pod(name="a-later-one", address="10.9.9.9")
    await cluster.look()
    assert cluster.access()["address"] == "10.1.2.3"


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0", "name", ""])  # noqa: S104
async def test_no_pod_of_ours_has_such_an_address(cluster: Cluster, address: str) -> None:
    await cluster.wish()
    await cluster.look()
    cluster.pod(address=address)
    await cluster.look()
    assert "address" not in cluster.access()


async def test_a_job_of_that_name_that_is_another_is_not_ours(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    (job,) = cluster.jobs()
    await cluster.kubernetes.delete(JOBS, "team", job["metadata"]["name"])
    forged: Body = {**job, "metadata": {**job["metadata"], "uid": "forged"}}
    cluster.kubernetes.put(JOBS, forged)
    await cluster.look()
    assert "job" not in cluster.access()
    assert [one["metadata"]["uid"] for one in cluster.jobs()] == ["forged"], "nothing of others is deleted"


async def test_a_pod_that_has_ended_goes_and_a_new_wish_starts_another(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    (job,) = cluster.jobs()
    job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    cluster.kubernetes.put(JOBS, job)
    cluster.now += timedelta(seconds=300)
    reference = PoolReference("team", cluster.pool()["metadata"]["uid"])
    assert await cluster.store.pools.read_secret(reference, job["metadata"]["name"]) is not None
    await cluster.look()
    assert (cluster.jobs(), cluster.said()) == ([], NOTHING)
    assert await cluster.store.pools.read_secret(reference, job["metadata"]["name"]) is None
    assert cluster.access() == {}
    assert await cluster.look() is None
    await cluster.wish()
    await cluster.look()
    assert cluster.jobs()[0]["metadata"]["name"] != job["metadata"]["name"]


async def test_a_pod_that_ends_at_once_is_made_again_only_for_a_new_wish(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    (job,) = cluster.jobs()
    job["status"] = {"conditions": [{"type": "Failed", "status": "True"}]}
    cluster.kubernetes.put(JOBS, job)
    for _ in range(3):
        await cluster.look()
    assert cluster.jobs() == []


async def test_a_pod_that_nobody_waits_for_any_more_is_not_started(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    cluster.now += timedelta(seconds=59)
    await cluster.look()
    assert len(cluster.jobs()) == 1
    cluster.now += timedelta(seconds=2)
    await cluster.look()
    assert cluster.jobs() == []


async def test_a_pod_that_runs_stays_while_it_is_called(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    cluster.pod()
    cluster.now += timedelta(hours=2)
    await cluster.look()
    assert cluster.access()["address"] == "10.1.2.3"


async def test_a_volume_in_use_is_said(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    cluster.pod(running=False)
    pod = cast("Body", cluster.kubernetes.objects["pods", "team", "pod"])
    text = 'Multi-Attach error for volume "pv" Volume is already used by pod(s) solve-1'
    event: Body = {
        "metadata": {"namespace": "team", "name": "event"},
        "type": "Warning",
        "involvedObject": {"uid": pod["metadata"]["uid"]},
        "message": text,
        "lastTimestamp": "2026-11-28T12:00:05Z",
    }
    cluster.kubernetes.put(EVENTS, event)
    cluster.now += timedelta(seconds=10)
    await cluster.look()
    status, reason, message = cluster.said()
    assert (status, reason) == ("False", "VolumeInUse")
    assert "solve-1" in message


async def test_a_volume_of_one_pod_alone_is_said(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    pod = cluster.pod(running=False)
    text = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
    pod["status"]["containerStatuses"] = []
    pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "message": text}]
    cluster.kubernetes.put(PODS, pod)
    await cluster.look()
    assert cluster.said()[:2] == ("False", "VolumeInUse")


async def test_a_namespace_has_two_pods_at_a_time(cluster: Cluster) -> None:
    for name in ("second", "third"):
        cluster.add(name)
    for name in ("pool", "second", "third"):
        await cluster.wish(name)
        await cluster.look(name)
    assert len(cluster.jobs()) == 2
    assert cluster.said("third")[:2] == ("False", "Waiting")
    cluster.volumes.forget(PoolKey("team", "second"))
    await cluster.look("third")
    assert len(cluster.jobs()) == 3


async def test_the_installation_has_thirty_two(cluster: Cluster) -> None:
    for number in range(33):
        cluster.add("pool", f"team-{number}")
        await cluster.wish("pool", f"team-{number}")
        await cluster.look("pool", f"team-{number}")
    assert len(cluster.jobs()) == 32
    assert cluster.said("pool", "team-32")[1] == "Waiting"


async def test_a_refused_job_is_said_and_holds_no_place(cluster: Cluster) -> None:
    for _ in range(3):
        cluster.kubernetes.fail("create", "jobs", KubernetesError("exceeded quota: jobs", status=403))
        await cluster.wish()
        await cluster.look()
        assert cluster.said()[1] == "PodRefused"
    await cluster.look()
    assert len(cluster.jobs()) == 1


async def test_a_job_that_cannot_be_recorded_does_not_stay(cluster: Cluster) -> None:
    await cluster.wish()
    cluster.kubernetes.fail("patch", "datapools", KubernetesError("away", status=500))
    with pytest.raises(KubernetesError):
        await cluster.look()
    assert cluster.jobs() == []
    await cluster.look()
    assert len(cluster.jobs()) == 1


async def test_the_gateway_s_wish_is_kept(cluster: Cluster) -> None:
    await cluster.wish()
    await cluster.look()
    cluster.pod()
    await cluster.look()
    cluster.now += timedelta(seconds=30)
    await cluster.wish()
    await cluster.look()
    assert cluster.access()["wantedAt"] == "2026-11-28T12:00:30Z"


async def test_a_claim_that_is_not_ready_has_no_pod(cluster: Cluster) -> None:
    await cluster.kubernetes.delete(PERSISTENT_VOLUME_CLAIMS, "team", "models")
    await cluster.wish()
    await cluster.look()
    assert cluster.jobs() == []
