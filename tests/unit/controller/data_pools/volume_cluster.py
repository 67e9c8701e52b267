"""A keeper of data pools over an API server in memory, a data pool on a claim, and pods that are put there."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from serviceexecution.controller.data_pools.keeper import PoolKeeper
from serviceexecution.controller.data_pools.volume_pods import VolumePods
from serviceexecution.controller.store_reads import StoreReads
from serviceexecution.controller.work.keys import PoolKey
from serviceexecution.executions.planning.pod_defaults import PodDefaults
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import DATA_POOLS, PERSISTENT_VOLUME_CLAIMS, PODS
from serviceexecution.resources.pools.pool import Pool
from serviceexecution.store.store import ResultStore
from tests.support.api_server.server import ApiServer

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
STORAGE: dict[str, Any] = {"type": "Claim", "claim": {"existing": "models"}}
Body = dict[str, Any]
NOTHING = ("", "", "")
"""What is said of the files of a volume that nobody asks for."""


class Cluster:
    """A keeper over an API server in memory, and a clock that is set."""

    def __init__(self, directory: Path) -> None:
        self.now = START
        self.kubernetes = ApiServer(now=lambda: self.now)
        self.store = ResultStore.open(f"file://{directory}", cluster_id="cluster")
        client = cast("KubernetesClient", self.kubernetes)
        defaults = PodDefaults("registry/collector:1", "http://gateway")
        self.volumes = VolumePods(client, self.store.pools, StoreReads(), defaults, lambda: self.now)
        self.keeper = PoolKeeper(client, self.volumes, clock=lambda: self.now)
        self.add("pool")

    def add(self, name: str, namespace: str = "team") -> None:
        claim: Body = {"metadata": {"namespace": namespace, "name": "models"}, "spec": {}}
        self.kubernetes.put(PERSISTENT_VOLUME_CLAIMS, claim)
        metadata: Body = {"namespace": namespace, "name": name, "generation": 1}
        self.kubernetes.put(DATA_POOLS, {"metadata": metadata, "spec": {"storage": STORAGE}})

    def pool(self, name: str = "pool", namespace: str = "team") -> Body:
        return cast("Body", self.kubernetes.objects["datapools", namespace, name])

    def access(self, name: str = "pool") -> Body:
        return cast("Body", self.pool(name).get("status", {}).get("access", {}))

    async def wish(self, name: str = "pool", namespace: str = "team") -> None:
        stamp = self.now.isoformat().replace("+00:00", "Z")
        patch: Body = {"status": {"access": {"wantedAt": stamp}}}
        await self.kubernetes.patch(DATA_POOLS, namespace, name, patch, subresource="status")

    async def look(self, name: str = "pool", namespace: str = "team") -> float | None:
        self.volumes.note(Pool.model_validate(self.pool(name, namespace)))
        return await self.keeper.reconcile(PoolKey(namespace, name))

    def said(self, name: str = "pool", namespace: str = "team") -> tuple[str, str, str]:
        conditions = self.pool(name, namespace)["status"]["conditions"]
        found = [one for one in conditions if one["type"] == "FilesReachable"]
        return (found[0]["status"], found[0]["reason"], found[0]["message"]) if found else NOTHING

    def jobs(self) -> list[Body]:
        return [
            cast("Body", body) for (kind, _, _), body in self.kubernetes.objects.items() if kind == "jobs"
        ]

    def pod(
        self, *, name: str = "pod", running: bool = True, address: str = "10.1.2.3", **owner: str
    ) -> Body:
        """Put a pod of the Job; ``owner`` says what is other than of its own."""
        (job,) = self.jobs()
        reference = {
            "kind": "Job",
            "name": job["metadata"]["name"],
            "uid": job["metadata"]["uid"],
            "controller": True,
        }
        labels = {"serviceexecution.dev/data-pool-uid": self.pool()["metadata"]["uid"]}
        state: Body = {"running": {"startedAt": "2026-11-28T12:00:00Z"}} if running else {}
        body: Body = {
            "metadata": {
                "namespace": "team",
                "name": name,
                "labels": labels,
                "ownerReferences": [{**reference, **owner}],
            },
            "spec": {},
            "status": {
                "phase": "Running" if running else "Pending",
                "podIP": address,
                "containerStatuses": [{"name": "main", "state": state}],
            },
        }
        self.kubernetes.put(PODS, body)
        return body
