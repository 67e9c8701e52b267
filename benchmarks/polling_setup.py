"""A namespace with a service and executions that wait, and a token of an account that may read them."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND, KIND
from serviceexecution.resources.reference import ExecutionReference
from tests.support.accounts import account_token
from tests.support.cluster import NAMESPACES, Cluster, member, uid_of


@dataclass(frozen=True, slots=True)
class PollingSetup:
    """What there is to poll."""

    token: str
    status_paths: list[str]
    """One status call per execution."""
    namespace: str

    def end_first(self) -> ExecutionReference:
        """Say of the first execution that it has succeeded, and return it."""
        name = self.status_paths[0].rpartition("/")[2]
        cluster = Cluster()
        cluster.wait_for(
            SERVICE_EXECUTIONS,
            self.namespace,
            name,
            lambda found: member(found, "status", "reason") == "Queued",
            seconds=60,
            what="the execution in its queue",
        )
        status: JsonObject = {"phase": "Succeeded", "completionTime": "2026-01-01T00:00:00Z"}
        found = cluster.patch(
            SERVICE_EXECUTIONS, self.namespace, name, {"status": status}, subresource="status"
        )
        return ExecutionReference(self.namespace, name, uid_of(found))


@contextlib.contextmanager
def polling_setup(executions: int) -> Iterator[PollingSetup]:
    """Make the namespace, and delete it at the end."""
    cluster = Cluster()
    namespace = f"sx-benchmark-{secrets.token_hex(3)}"
    cluster.create(NAMESPACES, None, {"metadata": {"name": namespace}})
    try:
        cluster.create(SERVICE_DEFINITIONS, namespace, _definition())
        names = [str(uuid4()) for _ in range(executions)]
        for name in names:
            cluster.create(SERVICE_EXECUTIONS, namespace, _execution(name))
        yield PollingSetup(
            account_token(cluster, namespace, "reader", "view"),
            [f"/services/{namespace}/poll/{name}" for name in names],
            namespace,
        )
    finally:
        cluster.delete(NAMESPACES, None, namespace)


def _definition() -> JsonObject:
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "metadata": {"name": "poll"},
        "spec": {"runtime": {"docker": {"image": "busybox"}}, "queueName": "nobody-admits"},
    }


def _execution(name: str) -> JsonObject:
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {"serviceRef": {"name": "poll"}, "tags": ["benchmark"]},
    }
