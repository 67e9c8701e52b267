"""Our CustomResourceDefinitions on a real API server, under a group of their own."""

import copy
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any, Final, cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.resources.crds.definitions import service_execution_crd
from serviceexecution.resources.names import API_VERSION, KIND, PLURAL

RUNTIME: Final[JsonObject] = {"docker": {"image": "a:1"}}


def kubectl(*arguments: str, stdin: object = None) -> subprocess.CompletedProcess[str]:
    """Run kubectl as the cluster's administrator."""
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip('kubectl is not in PATH: eval "$(make -s env)" after `make up`')
    text = None if stdin is None else json.dumps(stdin)
    return subprocess.run([found, *arguments], input=text, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def kind() -> Iterator[ResourceKind]:
    """Install the definition under another group."""
    group = f"test-{secrets.token_hex(4)}.serviceexecution.dev"
    crd = cast("Any", copy.deepcopy(service_execution_crd()))
    crd["metadata"]["name"] = f"{PLURAL}.{group}"
    crd["spec"]["group"] = group
    crd["spec"]["names"]["shortNames"] = []
    crd["spec"]["names"]["categories"] = []
    done = kubectl("create", "-f", "-", stdin=crd)
    assert done.returncode == 0, done.stderr
    try:
        name = f"crd/{PLURAL}.{group}"
        done = kubectl("wait", "--for=condition=Established", "--timeout=30s", name)
        assert done.returncode == 0, done.stderr
        yield ResourceKind(group, API_VERSION, PLURAL)
    finally:
        kubectl("delete", "crd", f"{PLURAL}.{group}", "--wait=false")


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
