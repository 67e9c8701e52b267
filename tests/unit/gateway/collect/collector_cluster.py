"""An API server in memory with an execution that runs: its Job, its pod, and the token of the pod's collector."""

from collections.abc import Mapping

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import TokenIdentity
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from serviceexecution.resources.reference import ExecutionReference
from tests.support.api_server.server import ApiServer

REF = ExecutionReference("team-a", "sum", "5c0f8a6e-0000-4000-8000-000000000001")

COUNTED = "batch.kubernetes.io/controller-uid"
"""The label by which a Job counts its pods."""


class CollectorCluster(ApiServer):
    """The cluster that collectors and readers of results see."""

    def __init__(self) -> None:
        super().__init__()
        self.rights: set[tuple[str, str]] = set()
        """Users and the subresources of executions that they may read."""

    def add_execution(self, ref=REF, *, attempt=1, limit=None, pod="pod-1", token="collector-token"):  # noqa: S107
        """Add execution, Job and pod, and a collector's token."""
        job = f"job-{ref.uid}-{attempt}"
        self.put(
            SERVICE_EXECUTIONS,
            {
                "metadata": {"name": ref.name, "namespace": ref.namespace, "uid": ref.uid},
                "status": {"attempts": attempt, "job": {"name": job, "uid": f"uid-{job}"}},
            },
        )
        owner = {"apiVersion": "serviceexecution.dev/v1alpha1", "kind": "ServiceExecution", "name": ref.name}
        self.put(
            JOBS,
            {
                "metadata": {
                    "name": job,
                    "namespace": ref.namespace,
                    "uid": f"uid-{job}",
                    "labels": {"serviceexecution.dev/attempt": str(attempt)},
                    "ownerReferences": [{**owner, "uid": ref.uid, "controller": True}],
                },
                "spec": {"selector": {"matchLabels": {COUNTED: f"uid-{job}"}}},
            },
        )
        annotations: JsonObject = {} if limit is None else {"serviceexecution.dev/output-limit": str(limit)}
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job,
            "uid": f"uid-{job}",
            "controller": True,
        }
        self.put(
            PODS,
            {
                "metadata": {
                    "name": pod,
                    "namespace": ref.namespace,
                    "uid": f"uid-{pod}",
                    "labels": {COUNTED: f"uid-{job}", LABEL_EXECUTION_UID: ref.uid},
                    "annotations": annotations,
                    "ownerReferences": [owner],
                },
                "status": {"containerStatuses": [{"name": "main", "state": {"running": {}}}]},
            },
        )
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
        self.rights |= {(username, subresource) for subresource in subresources}

    @property
    def gets(self) -> int:
        """Return how often objects were read by their names."""
        return sum(request.verb == "get" for request in self.requests)

    async def set_main(self, state, *, pod="pod-1", namespace=REF.namespace):
        """Let the pod's main container be in that state, as its kubelet says."""
        status: JsonObject = {"containerStatuses": [{"name": "main", "state": {state: {"exitCode": 0}}}]}
        self.change(PODS, namespace, pod, {"status": status})

    def is_allowed(self, identity: TokenIdentity, question: Mapping[str, str]) -> bool:
        asked = (question["verb"], question["group"], question["resource"])
        assert asked == ("get", "serviceexecution.dev", "serviceexecutions")
        return (identity.username, question["subresource"]) in self.rights
