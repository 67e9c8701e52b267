"""An API server in memory that knows pods, Jobs, executions and tokens."""

import asyncio
from collections.abc import AsyncGenerator

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import TokenIdentity, WatchEvent
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_EXECUTIONS, ResourceKind
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from serviceexecution.resources.reference import ExecutionReference

REF = ExecutionReference("team-a", "sum", "5c0f8a6e-0000-4000-8000-000000000001")

COUNTED = "batch.kubernetes.io/controller-uid"
"""The label by which a Job counts its pods."""


class FakeKubernetes:
    """Implements GatewayKubernetes."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], JsonObject] = {}
        self.tokens: dict[tuple[str, str | None], TokenIdentity] = {}
        self.allowed: set[tuple[str, str]] = set()
        self.reviews = 0
        self.gets = 0
        self.watches = 0
        """How many are open."""
        self.fail = False
        self._changed = asyncio.Condition()

    def add_execution(self, ref=REF, *, attempt=1, limit=None, pod="pod-1", token="collector-token"):  # noqa: S107
        """Add execution, Job and pod, and a collector's token."""
        job = f"job-{ref.uid}-{attempt}"
        self.objects["serviceexecutions", ref.namespace, ref.name] = {
            "metadata": {"name": ref.name, "uid": ref.uid},
            "status": {"attempts": attempt, "job": {"name": job, "uid": f"uid-{job}"}},
        }
        owner = {"apiVersion": "serviceexecution.dev/v1alpha1", "kind": "ServiceExecution", "name": ref.name}
        self.objects["jobs", ref.namespace, job] = {
            "metadata": {
                "uid": f"uid-{job}",
                "labels": {"serviceexecution.dev/attempt": str(attempt)},
                "ownerReferences": [{**owner, "uid": ref.uid, "controller": True}],
            },
            "spec": {"selector": {"matchLabels": {COUNTED: f"uid-{job}"}}},
        }
        annotations: JsonObject = {} if limit is None else {"serviceexecution.dev/output-limit": str(limit)}
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job,
            "uid": f"uid-{job}",
            "controller": True,
        }
        self.objects["pods", ref.namespace, pod] = {
            "metadata": {
                "name": pod,
                "uid": f"uid-{pod}",
                "labels": {COUNTED: f"uid-{job}"},
                "annotations": annotations,
                "ownerReferences": [owner],
            },
            "status": {"containerStatuses": [{"name": "main", "state": {"running": {}}}]},
        }
        self.add_collector_token(token, ref.namespace, pod, f"uid-{pod}")

    def add_collector_token(self, token, namespace, pod, uid):
        self.tokens[token, "collector.serviceexecution.dev"] = TokenIdentity(
            username=f"system:serviceaccount:{namespace}:default",
            extra={
                "authentication.kubernetes.io/pod-name": (pod,),
                "authentication.kubernetes.io/pod-uid": (uid,),
            },
        )

    def add_user(self, token, username, *subresources):
        self.tokens[token, None] = TokenIdentity(username=username)
        self.allowed |= {(username, subresource) for subresource in subresources}

    async def set_main(self, state, *, pod="pod-1", namespace=REF.namespace):
        async with self._changed:
            found = self.objects["pods", namespace, pod]
            found["status"] = {"containerStatuses": [{"name": "main", "state": {state: {}}}]}
            self._changed.notify_all()

    async def get(self, kind: ResourceKind, namespace: str | None, name: str) -> JsonObject | None:
        assert kind in {PODS, JOBS, SERVICE_EXECUTIONS}
        self.gets += 1
        if self.fail:
            raise KubernetesError("down", status=503)
        return self.objects.get((kind.plural, namespace or "", name))

    async def watch(
        self,
        kind: ResourceKind,
        namespace: str | None,
        *,
        timeout_seconds: int,
        resource_version: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> AsyncGenerator[WatchEvent, None]:
        assert label_selector == LABEL_EXECUTION_UID
        self.watches += 1
        try:
            while True:
                async with self._changed:
                    await self._changed.wait()
                for (plural, where, _), found in list(self.objects.items()):
                    if (plural, where) == (kind.plural, namespace):
                        yield WatchEvent("MODIFIED", found)
        finally:
            self.watches -= 1

    async def review_token(self, token: str, audience: str | None) -> TokenIdentity | None:
        self.reviews += 1
        if self.fail:
            raise KubernetesError("down", status=503)
        return self.tokens.get((token, audience))

    async def review_access(
        self,
        identity: TokenIdentity,
        *,
        verb: str,
        group: str,
        resource: str,
        subresource: str,
        namespace: str,
        name: str,
    ) -> bool:
        self.reviews += 1
        assert (verb, group, resource) == ("get", "serviceexecution.dev", "serviceexecutions")
        return (identity.username, subresource) in self.allowed
