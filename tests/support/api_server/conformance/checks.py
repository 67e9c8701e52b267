"""The checks of an API server, and what they are made with."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import (
    CONFIG_MAPS,
    ResourceKind,
)
from tests.support.api_server.server import ApiServer

Client: TypeAlias = KubernetesClient | ApiServer
Check: TypeAlias = Callable[[Client, str], Awaitable[None]]

INGRESSES: Final = ResourceKind("networking.k8s.io", "v1", "ingresses")
"""A kind with spec and status for which a cluster of tests has no controller: nobody else writes."""
FINALIZER: Final = "serviceexecution.dev/test"
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Add a check to what both must pass."""
    CHECKS.append(function)
    return function


def config_map(name: str, *, data: JsonObject | None = None, **metadata: Any) -> JsonObject:
    """Return a ConfigMap to create."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": data or {},
    }


def ingress(service: str) -> JsonObject:
    """Return an Ingress to create."""
    backend: JsonObject = {"service": {"name": service, "port": {"number": 80}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "a"},
        "spec": {"defaultBackend": backend},
        "status": LOADED,
    }


LOADED: Final[JsonObject] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}


def meta(body: Any) -> Any:
    """Return an object's metadata."""
    return body["metadata"]


async def names(client: Client, namespace: str, **selectors: str) -> list[str]:
    """Return the names of the chosen ConfigMaps, without those that Kubernetes makes itself."""
    found = await client.list(CONFIG_MAPS, namespace, **selectors)
    listed = [str(meta(item)["name"]) for item in found.items]
    return [name for name in listed if name != "kube-root-ca.crt"]


async def become(client: Client, namespace: str, *expected: str) -> None:
    """Wait until the ConfigMaps are these: a garbage collector takes its time."""
    async with asyncio.timeout(60):
        while await names(client, namespace) != list(expected):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.1)
