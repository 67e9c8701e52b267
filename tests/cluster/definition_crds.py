"""The CustomResourceDefinition of services on a real API server, under a group of its own."""

import copy
import secrets
from collections.abc import Iterator
from typing import Any, cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.resources.crds.definitions import service_definition_crd
from serviceexecution.resources.names import API_VERSION, DEFINITION_KIND, DEFINITION_PLURAL
from tests.cluster.crds import RUNTIME, kind, kubectl

__all__ = ["kind"]


@pytest.fixture(scope="module")
def definitions() -> Iterator[ResourceKind]:
    """Install the definition under another group."""
    group = f"test-{secrets.token_hex(4)}.serviceexecution.dev"
    crd = cast("Any", copy.deepcopy(service_definition_crd()))
    crd["metadata"]["name"] = f"{DEFINITION_PLURAL}.{group}"
    crd["spec"]["group"] = group
    crd["spec"]["names"]["shortNames"] = []
    crd["spec"]["names"]["categories"] = []
    done = kubectl("create", "-f", "-", stdin=crd)
    assert done.returncode == 0, done.stderr
    try:
        name = f"crd/{DEFINITION_PLURAL}.{group}"
        done = kubectl("wait", "--for=condition=Established", "--timeout=30s", name)
        assert done.returncode == 0, done.stderr
        yield ResourceKind(group, API_VERSION, DEFINITION_PLURAL)
    finally:
        kubectl("delete", "crd", f"{DEFINITION_PLURAL}.{group}", "--wait=false")


async def create(client: KubernetesClient, kind: ResourceKind, namespace: str, **spec: object) -> Any:
    manifest: JsonObject = {
        "apiVersion": f"{kind.group}/{kind.version}",
        "kind": DEFINITION_KIND,
        "metadata": {"name": "adder", "namespace": namespace},
        "spec": cast("JsonObject", {"runtime": RUNTIME, **spec}),
    }
    return await client.create(kind, namespace, manifest)
