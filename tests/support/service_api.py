"""Services of a sandbox over HTTP: definitions, access keys as ``sx`` makes them, and where a text can be seen."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import httpx

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    EVENTS,
    JOBS,
    PODS,
    SERVICE_DEFINITIONS,
    SERVICE_EXECUTIONS,
)
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND
from tests.support.cluster import SECRETS, Cluster, name_of, uid_of
from tests.support.operator import Operator
from tests.support.sandbox import Sandbox

_OPERATOR: Final = Path(__file__).parents[2] / "operator"


@dataclass(frozen=True)
class AccessKey:
    """A key as its user gets it."""

    id: str
    secret: str
    token_endpoint: str

    def token(self) -> str:
        """Return a bearer token."""
        answer = httpx.post(
            self.token_endpoint, auth=(self.id, self.secret), data={"grant_type": "client_credentials"}
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@dataclass(frozen=True)
class Service:
    """A service that exists."""

    url: str
    """Without a slash at its end."""
    uid: str


class ServiceApi:
    """The Service API of a sandbox."""

    def __init__(self, sandbox: Sandbox, address: str) -> None:
        self.sandbox = sandbox
        self.address = address
        self._key: AccessKey | None = None

    def define(self, runtime: JsonObject, name: str = "service", **spec: object) -> Service:
        """Create a definition."""
        manifest = {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": DEFINITION_KIND,
            "metadata": {"name": name},
            "spec": {"runtime": runtime, **spec},
        }
        created = self.sandbox.cluster.create(
            SERVICE_DEFINITIONS, self.sandbox.name, cast("JsonObject", manifest)
        )
        return Service(f"{self.address}/services/{self.sandbox.name}/{name}", uid_of(created))

    @property
    def key(self) -> AccessKey:
        """Return an access key to all services of the sandbox, made by the command that users call."""
        if self._key is None:
            command = [sys.executable, "-m", "serviceexecution.cli.main", "access-key", "create"]
            variables = {"PYTHONPATH": str(_OPERATOR), "SERVICE_API_URL": self.address}
            if self.sandbox.cluster.kubeconfig is not None:
                variables["KUBECONFIG"] = self.sandbox.cluster.kubeconfig
            made = subprocess.run(
                [*command, "--namespace", self.sandbox.name, "--output", "json"],
                env={**os.environ, **variables},
                check=True,
                capture_output=True,
                text=True,
            )
            found = json.loads(made.stdout)
            self._key = AccessKey(found["id"], found["secret"], found["tokenEndpoint"])
        return self._key

    def executions(self) -> list[str]:
        """Return the names of all executions, as kubectl shows them."""
        return [name_of(one) for one in self.sandbox.cluster.select(SERVICE_EXECUTIONS, self.sandbox.name)]

    def run_secrets(self) -> list[JsonObject]:
        """Return the Secrets that hold what bodies had in ``$secrets``."""
        return self.sandbox.cluster.select(
            SECRETS, self.sandbox.name, labels="serviceexecution.dev/lifetime=run"
        )

    def wait_for_no_run_secrets(self) -> None:
        """Wait until all of them are gone."""
        self.sandbox.cluster.wait_until_gone(
            SECRETS, self.sandbox.name, labels="serviceexecution.dev/lifetime=run", seconds=30
        )


def places_with(text: str, cluster: Cluster, namespace: str, operator: Operator) -> list[str]:
    """Return the objects of a namespace (Secrets apart) and the logs of ours in which ``text`` stands."""
    seen = {
        f"{kind.plural} {namespace}": json.dumps(cluster.select(kind, namespace))
        for kind in (SERVICE_EXECUTIONS, SERVICE_DEFINITIONS, CONFIG_MAPS, JOBS, PODS, EVENTS)
    }
    for pod in operator.pods():
        metadata = cast("JsonObject", pod["metadata"])
        spec = cast("JsonObject", pod["spec"])
        for container in cast("list[JsonObject]", spec["containers"]):
            place = f"log of {metadata['name']} {container['name']}"
            seen[place] = cluster.pod_log(
                operator.namespace, str(metadata["name"]), str(container["name"]), tail_lines=100_000
            )
    return [place for place, content in seen.items() if text in content]
