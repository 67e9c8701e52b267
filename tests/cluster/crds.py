"""Our CustomResourceDefinitions on a real API server, under a group of their own."""

import contextlib
import copy
import secrets
from collections.abc import Iterator
from typing import Any, Final, cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.resources.crds.definitions import service_execution_crd
from serviceexecution.resources.names import API_VERSION, KIND, PLURAL
from tests.cluster.kubectl import kubectl, must
from tests.support.polling import poll_until

RUNTIME: Final[JsonObject] = {"docker": {"image": "a:1"}}


@contextlib.contextmanager
def installed(definition: JsonObject, plural: str) -> Iterator[ResourceKind]:
    """Install a CustomResourceDefinition of ours under another group."""
    group = f"test-{secrets.token_hex(4)}.serviceexecution.dev"
    crd = cast("Any", copy.deepcopy(definition))
    crd["metadata"]["name"] = f"{plural}.{group}"
    crd["spec"]["group"] = group
    crd["spec"]["names"]["shortNames"] = []
    crd["spec"]["names"]["categories"] = []
    name = f"crd/{plural}.{group}"
    must("create", "-f", "-", stdin=crd)
    try:
        # Neither `kubectl wait` nor this bears conditions that are null, as they are at first
        established = "-o=jsonpath={.status.conditions[?(@.type=='Established')].status}"
        poll_until(
            lambda: kubectl("get", name, established).stdout == "True",
            seconds=30,
            what=f"{name} is established",
        )
        yield ResourceKind(group, API_VERSION, plural)
    finally:
        kubectl("delete", name, "--wait=false")


@pytest.fixture(scope="module")
def kind() -> Iterator[ResourceKind]:
    """Install that of executions under another group."""
    with installed(service_execution_crd(), PLURAL) as kind:
        yield kind


class Executions:
    """Creates and changes executions of the test's own group in the test's own namespace."""

    def __init__(self, client: KubernetesClient, kind: ResourceKind, namespace: str) -> None:
        self._client = client
        self.kind = kind
        self.namespace = namespace

    async def create(self, name: str = "sum", status: JsonObject | None = None, **spec: object) -> Any:
        manifest: JsonObject = {
            "apiVersion": f"{self.kind.group}/{self.kind.version}",
            "kind": KIND,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": cast("JsonObject", {"runtime": RUNTIME, **spec}),
        }
        if status is not None:
            manifest["status"] = status
        return await self._client.create(self.kind, self.namespace, manifest)

    async def edit(self, name: str = "sum", **spec: object) -> Any:
        patch: JsonObject = {"spec": cast("JsonObject", spec)}
        return await self._client.patch(self.kind, self.namespace, name, patch)

    async def say(self, name: str = "sum", **status: object) -> Any:
        patch: JsonObject = {"status": cast("JsonObject", status)}
        return await self._client.patch(self.kind, self.namespace, name, patch, subresource="status")

    async def read(self, name: str = "sum") -> Any:
        return await self._client.get(self.kind, self.namespace, name)


@pytest.fixture
async def executions(client: KubernetesClient, kind: ResourceKind, namespace: str) -> Executions:
    # A definition is served by every handler of the API server a moment after it is established.
    return Executions(client, kind, namespace)


def refused(*words: str) -> Any:
    """Expect a refusal with all these words."""
    pattern = "".join(f"(?=[\\s\\S]*{word})" for word in words)
    return pytest.raises(KubernetesError, match=pattern)
