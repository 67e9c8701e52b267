"""Two namespaces with services, keys and a pod: the attacker's and the witness's."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast
from uuid import uuid4

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import PODS, SERVICE_ACCOUNTS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import (
    API_GROUP,
    API_VERSION,
    COLLECTOR_TOKEN_AUDIENCE,
    DEFINITION_KIND,
    KIND,
    LABEL_EXECUTION_UID,
)
from tests.support.accounts import account_token
from tests.support.cluster import NAMESPACES, Cluster, member, name_of, uid_of

WAITING: Final = "waiting"
SLOW: Final = "slow"
_LEVELS: Final = 40
_IMAGE: Final = "docker.io/library/busybox:1.35.0"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A namespace, and what its people have."""

    namespace: str
    token: str
    """Of an account with the role edit."""
    execution: str
    """Name of one that waits in a queue for ever."""

    def service(self, name: str = WAITING) -> str:
        """Return a service's path."""
        return f"/services/{self.namespace}/{name}"


@contextlib.contextmanager
def tenant(cluster: Cluster, name: str) -> Iterator[Tenant]:
    """Make a namespace with two services whose executions nobody admits, and delete it at the end."""
    namespace = f"sx-{name}-{secrets.token_hex(3)}"
    cluster.create(NAMESPACES, None, {"metadata": {"name": namespace}})
    try:
        cluster.create(SERVICE_DEFINITIONS, namespace, _definition(WAITING, {"type": "object"}))
        cluster.create(SERVICE_DEFINITIONS, namespace, _definition(SLOW, exponential_schema()))
        token = account_token(cluster, namespace, "developer", "edit")
        execution = str(uuid4())
        cluster.create(
            SERVICE_EXECUTIONS, namespace, _execution(execution, {"serviceRef": {"name": WAITING}})
        )
        yield Tenant(namespace, token, execution)
    finally:
        cluster.delete(NAMESPACES, None, namespace)


def collector_token(cluster: Cluster, namespace: str) -> str:
    """Start a program that sleeps, and return a token as its collector has one: the program can also read it."""
    name = str(uuid4())
    runtime: JsonObject = {"docker": {"image": _IMAGE, "command": ["sleep", "3600"]}}
    made = cluster.create(SERVICE_EXECUTIONS, namespace, _execution(name, {"runtime": runtime}))
    cluster.wait_for(
        SERVICE_EXECUTIONS,
        namespace,
        name,
        lambda found: member(found, "status", "phase") == "Running",
        seconds=120,
        what="the attacker's program",
    )
    pod = cluster.select(PODS, namespace, labels=f"{LABEL_EXECUTION_UID}={uid_of(made)}")[0]
    account = str(member(pod, "spec", "serviceAccountName") or "default")
    request: JsonObject = {
        "spec": {
            "audiences": [COLLECTOR_TOKEN_AUDIENCE],
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": name_of(pod), "uid": uid_of(pod)},
            "expirationSeconds": 3600,
        }
    }
    answer = cluster.create_sub(SERVICE_ACCOUNTS, namespace, account, "token", request)
    return str(member(answer, "status", "token"))


def exponential_schema() -> JsonObject:
    """Return a small schema whose check takes for ever: each level tries both branches of the next."""
    levels: dict[str, JsonObject] = {
        f"l{level}": {
            "anyOf": [
                {"allOf": [{"$ref": f"#/$defs/l{level + 1}"}, {"type": kind}]}
                for kind in ("string", "boolean")
            ]
        }
        for level in range(_LEVELS)
    }
    levels[f"l{_LEVELS}"] = {"type": ["integer", "number"]}
    schema = {"type": "object", "properties": {"x": {"$ref": "#/$defs/l0"}}, "$defs": levels}
    return cast("JsonObject", schema)


def _definition(name: str, schema: JsonObject) -> JsonObject:
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "metadata": {"name": name},
        "spec": {
            "runtime": {"docker": {"image": _IMAGE}},
            "queueName": "nobody-admits",
            "inputSchema": schema,
        },
    }


def _execution(name: str, spec: JsonObject) -> JsonObject:
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": KIND,
        "metadata": {"name": name},
        "spec": spec,
    }
