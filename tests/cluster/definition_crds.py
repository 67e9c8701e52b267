"""The CustomResourceDefinition of services on a real API server, under a group of its own."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import ResourceKind
from serviceexecution.resources.crds.definitions import service_definition_crd
from serviceexecution.resources.names import DEFINITION_KIND, DEFINITION_PLURAL
from tests.cluster.crds import RUNTIME, installed, kind

__all__ = ["kind"]


@pytest.fixture(scope="module")
def definitions() -> Iterator[ResourceKind]:
    """Install that of services under another group."""
    with installed(service_definition_crd(), DEFINITION_PLURAL) as kind:
        yield kind


async def create(client: KubernetesClient, kind: ResourceKind, namespace: str, **spec: object) -> Any:
    manifest: JsonObject = {
        "apiVersion": f"{kind.group}/{kind.version}",
        "kind": DEFINITION_KIND,
        "metadata": {"name": "adder", "namespace": namespace},
        "spec": cast("JsonObject", {"runtime": RUNTIME, **spec}),
    }
    return await client.create(kind, namespace, manifest)
