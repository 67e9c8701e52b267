"""Tests against a real API server: a client, and a namespace of its own for each test."""

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import PODS, ResourceKind
from tests.cluster.waiting import until

NAMESPACES = ResourceKind("", "v1", "namespaces")
SERVICE_ACCOUNTS = ResourceKind("", "v1", "serviceaccounts")

PYTHON_IMAGE = "docker.io/library/python:3.11-slim-bookworm"

StartPod = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture(scope="session", autouse=True)
def _cluster() -> None:
    files = os.environ.get("KUBECONFIG", "")
    if not any(Path(name).is_file() for name in files.split(os.pathsep) if name):
        pytest.skip('needs a cluster: KUBECONFIG names no file; run `make up`, then eval "$(make -s env)"')


@pytest.fixture
async def client() -> AsyncIterator[KubernetesClient]:
    client = await KubernetesClient.connect(user_agent="serviceexecution-tests", qps=1000, burst=1000)
    yield client
    await client.close()


@pytest.fixture
async def namespace(client: KubernetesClient) -> AsyncIterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    await client.create(
        NAMESPACES, None, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    )

    async def default_account() -> bool:
        return await client.get(SERVICE_ACCOUNTS, name, "default") is not None

    await until(default_account)  # the controller manager makes it; without it pods are refused
    yield name
    await client.delete(NAMESPACES, None, name)


@pytest.fixture
def start_pod(client: KubernetesClient, namespace: str) -> StartPod:
    """Run a Python program in a container ``main`` until it ends."""

    async def start(
        program: str, *, name: str = "pod", image: str = PYTHON_IMAGE, wait_for: str | None = "started"
    ) -> dict[str, Any]:
        manifest: JsonObject = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {
                        "name": "main",
                        "image": image,
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["python3", "-c", program],
                    }
                ],
            },
        }
        pod: dict[str, Any] = await client.create(PODS, namespace, manifest)
        if wait_for is not None:
            await until(lambda: has_reached(client, namespace, name, wait_for), seconds=60)
        return pod

    return start


async def has_reached(client: KubernetesClient, namespace: str, name: str, state: str) -> bool:
    """Whether the pod's first container has started ("started") or has ended ("terminated")."""
    try:
        pod: Any = await client.get(PODS, namespace, name)
    except KubernetesError as error:
        if error.retriable:
            return False
        raise
    for status in pod.get("status", {}).get("containerStatuses", []):
        if "terminated" in status["state"] or (state == "started" and "running" in status["state"]):
            return True
    return False
