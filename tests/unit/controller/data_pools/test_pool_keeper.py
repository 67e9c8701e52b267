"""The status of data pools, and the claims that are made for them, on an API server in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from serviceexecution.controller.data_pools.keeper import PoolKeeper
from serviceexecution.controller.data_pools.volume_pods import VolumePods
from serviceexecution.controller.store_reads import StoreReads
from serviceexecution.controller.work.keys import PoolKey
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import DATA_POOLS, PERSISTENT_VOLUME_CLAIMS, ResourceKind
from serviceexecution.store.pools.pool_store import PoolStore
from tests.support.api_server.server import ApiServer

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NEW: dict[str, Any] = {"type": "Claim", "claim": {"size": "1Gi", "storageClassName": "fast"}}


@pytest.fixture
def kubernetes() -> ApiServer:
    return ApiServer(now=lambda: NOW)


def keeper(kubernetes: ApiServer) -> PoolKeeper:
    client = cast("KubernetesClient", kubernetes)
    defaults = PodDefaults("registry/collector:1", "http://gateway")
    no_store = cast("PoolStore", None)  # No test here wants files
    volumes = VolumePods(client, no_store, StoreReads(), defaults, lambda: NOW)
    return PoolKeeper(client, volumes, clock=lambda: NOW)


async def kept(kubernetes: ApiServer, **spec: Any) -> dict[str, Any]:
    """Make a data pool, or change it, and return its status after a pass."""
    metadata: dict[str, Any] = {"namespace": "team", "name": "pool", "generation": 1}
    before = kubernetes.objects.get(("datapools", "team", "pool"))
    if before is None:
        kubernetes.put(DATA_POOLS, {"metadata": metadata, "spec": spec})
    await keeper(kubernetes).reconcile(PoolKey("team", "pool"))
    return cast("dict[str, Any]", kubernetes.objects["datapools", "team", "pool"]["status"])


def ready(status: dict[str, Any]) -> tuple[str, str]:
    (condition,) = status["conditions"]
    return condition["status"], condition["reason"]


async def test_a_pool_in_the_store_is_ready(kubernetes: ApiServer) -> None:
    status = await kept(kubernetes)
    assert ready(status) == ("True", "Ready")
    assert (status["files"], status["bytes"], status["observedGeneration"]) == (0, 0, 1)
    writes = kubernetes.writes()
    await kept(kubernetes)
    assert kubernetes.writes() == writes


async def test_what_the_gateway_has_written_stays(kubernetes: ApiServer) -> None:
    await kubernetes.create(
        DATA_POOLS, "team", {"metadata": {"name": "pool"}, "spec": {"displayName": "Pool"}}
    )
    written: dict[str, Any] = {"files": 2, "bytes": 9, "index": "a" * 64}
    await kubernetes.patch(DATA_POOLS, "team", "pool", {"status": written}, subresource="status")
    status = await kept(kubernetes)
    assert {name: status[name] for name in written} == written


async def test_a_claim_is_made_once_and_belongs_to_the_pool(kubernetes: ApiServer) -> None:
    status = await kept(kubernetes, storage=NEW)
    assert (ready(status), status["claim"]) == (("True", "Ready"), "datapool-pool")
    claim = cast("dict[str, Any]", kubernetes.objects["persistentvolumeclaims", "team", "datapool-pool"])
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "fast",
    }
    (owner,) = claim["metadata"]["ownerReferences"]
    pool = cast("dict[str, Any]", kubernetes.objects["datapools", "team", "pool"])
    assert owner["uid"] == pool["metadata"]["uid"]
    await kept(kubernetes)
    assert kubernetes.created["persistentvolumeclaims"] == 1
    await kubernetes.delete(DATA_POOLS, "team", "pool")
    assert ("persistentvolumeclaims", "team", "datapool-pool") not in kubernetes.objects


async def test_a_claim_of_somebody_else_is_not_taken(kubernetes: ApiServer) -> None:
    kubernetes.put(
        PERSISTENT_VOLUME_CLAIMS, {"metadata": {"namespace": "team", "name": "datapool-pool"}, "spec": {}}
    )
    status = await kept(kubernetes, storage=NEW)
    assert ready(status) == ("False", "ClaimInTheWay")
    assert "claim" not in status, "no execution mounts it"


async def test_an_existing_claim_is_waited_for(kubernetes: ApiServer) -> None:
    storage = {"type": "Claim", "claim": {"existing": "models"}}
    assert ready(await kept(kubernetes, storage=storage)) == ("False", "ClaimNotFound")
    kubernetes.put(
        PERSISTENT_VOLUME_CLAIMS, {"metadata": {"namespace": "team", "name": "models"}, "spec": {}}
    )
    status = await kept(kubernetes)
    assert (ready(status), status["claim"], "files" in status) == (("True", "Ready"), "models", False)


async def test_a_refused_claim_is_said_with_the_cluster_s_words(kubernetes: ApiServer) -> None:
    kubernetes.fail(
        "create", "persistentvolumeclaims", KubernetesError("exceeded quota: storage", status=403)
    )
    status = await kept(kubernetes, storage=NEW)
    assert ready(status) == ("False", "ClaimRefused")
    assert "exceeded quota" in status["conditions"][0]["message"]


@contextlib.asynccontextmanager
async def following(kubernetes: ApiServer) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper(kubernetes).run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def put(kubernetes: ApiServer, namespace: str, name: str) -> None:
    """Put a data pool that needs a claim."""
    metadata: dict[str, Any] = {"namespace": namespace, "name": name}
    kubernetes.put(DATA_POOLS, {"metadata": metadata, "spec": {"storage": NEW}})


async def has_status(kubernetes: ApiServer, namespace: str, name: str) -> None:
    async with asyncio.timeout(10):
        while "status" not in kubernetes.objects["datapools", namespace, name]:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.01)


async def test_pools_are_followed(kubernetes: ApiServer) -> None:
    async with following(kubernetes):
        await kubernetes.create(DATA_POOLS, "team", {"metadata": {"name": "pool"}, "spec": {}})
        await has_status(kubernetes, "team", "pool")


async def test_an_upload_costs_no_request(kubernetes: ApiServer) -> None:
    await kept(kubernetes)
    async with following(kubernetes):
        await kubernetes.create(DATA_POOLS, "team", {"metadata": {"name": "other"}, "spec": {}})
        await has_status(kubernetes, "team", "other")
        kubernetes.requests.clear()
        moved: dict[str, Any] = {"status": {"files": 1, "bytes": 2, "index": "b" * 64}}
        await kubernetes.patch(DATA_POOLS, "team", "pool", moved, subresource="status")
        await kubernetes.create(DATA_POOLS, "team", {"metadata": {"name": "third"}, "spec": {}})
        await has_status(kubernetes, "team", "third")
    assert [one for one in kubernetes.requests if (one.verb, one.name) == ("get", "pool")] == []


async def test_pools_of_one_namespace_do_not_hold_those_of_others(
    kubernetes: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = kubernetes.get

    async def slow(kind: ResourceKind, namespace: str, name: str) -> Any:
        if namespace == "noisy":
            await asyncio.sleep(60)
        return await get(kind, namespace, name)

    monkeypatch.setattr(kubernetes, "get", slow)
    for number in range(50):
        put(kubernetes, "noisy", f"pool-{number}")
    put(kubernetes, "team", "pool")
    async with following(kubernetes):
        await has_status(kubernetes, "team", "pool")


async def test_a_pass_that_fails_in_an_odd_way_is_repeated(kubernetes: ApiServer) -> None:
    kubernetes.fail("get", "persistentvolumeclaims", ValueError("odd"))
    put(kubernetes, "team", "pool")
    async with following(kubernetes):
        await has_status(kubernetes, "team", "pool")
