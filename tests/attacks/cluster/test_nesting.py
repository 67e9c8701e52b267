"""Controller 8c on a real API server: what it takes nested 5,000 deep ends by itself, and all others go on.

Fails on 9b98b50: controller and gateway ended with the first list or watch that showed such an object, for ever.
"""

import contextlib
from typing import Any

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.errors import KubernetesError
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS, ResourceKind
from tests.attacks.deep_json import deep, levels
from tests.cluster.crds import Executions, executions, kind
from tests.cluster.kubectl import kubectl
from tests.support.polling import poll_until

__all__ = ["executions", "kind", "levels"]

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("crd")]

RUNTIME: JsonObject = {"docker": {"image": "docker.io/library/busybox:1.35.0", "command": ["true"]}}


@pytest.mark.parametrize("depth", [5_000, 9_900])
@pytest.mark.parametrize("lists", [False, True], ids=["objects", "lists"])
async def test_our_client_reads_whatever_the_api_server_takes(
    executions: Executions, client: KubernetesClient, depth: int, lists: bool
):
    """In a group of the test's own, which no operator watches."""
    refused = None
    try:
        await executions.create(input=deep(depth=depth, lists=lists))
    except KubernetesError as error:
        refused = error.status
    if refused is not None:
        assert refused in {400, 413, 422}, "at the door, and not by a failure"
        return
    assert (await executions.read())["spec"]["input"]["deep"]
    found = await client.list(executions.kind, executions.namespace)
    assert len(found.items) == 1
    stream = client.watch(executions.kind, executions.namespace, timeout_seconds=5)
    async with contextlib.aclosing(stream) as events:
        async for event in events:
            assert event.type == "ADDED"
            break


@pytest.mark.e2e
async def test_the_installed_operator_goes_on(client: KubernetesClient, namespace: str):
    restarts = restarts_of_operator()
    made: list[tuple[ResourceKind, str, JsonObject]] = [
        (SERVICE_EXECUTIONS, field.lower(), {"runtime": RUNTIME, field: deep()})
        for field in ("input", "podTemplate", "affinity")
    ]
    made.append((SERVICE_DEFINITIONS, "deep", {"runtime": RUNTIME, "inputSchema": deep()}))
    try:
        for kind, name, spec in made:
            await create(client, kind, namespace, name, spec)
        for kind, name, _ in made:
            poll_until(lambda: phase_of(kind, namespace, name) == "Failed", seconds=60, what=f"{name} ends")  # noqa: B023
        await create(client, SERVICE_EXECUTIONS, namespace, "witness", {"runtime": RUNTIME})
        witness = SERVICE_EXECUTIONS, namespace, "witness"
        poll_until(lambda: phase_of(*witness) == "Succeeded", seconds=120, what="the witness runs")
        assert restarts_of_operator() == restarts
    finally:
        for kind, name, _ in made:
            await client.delete(kind, namespace, name)


async def create(
    client: KubernetesClient, kind: ResourceKind, namespace: str, name: str, spec: JsonObject
) -> None:
    body: Any = {
        "apiVersion": f"{kind.group}/{kind.version}",
        "kind": "ServiceExecution" if kind == SERVICE_EXECUTIONS else "ServiceDefinition",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
    await client.create(kind, namespace, body)


def phase_of(kind: ResourceKind, namespace: str, name: str) -> str:
    """Ask kubectl for one field: the object is for those who can read it."""
    where = (f"{kind.plural}.{kind.group}", name, f"--namespace={namespace}")
    return kubectl("get", *where, "--output=jsonpath={.status.phase}").stdout


def restarts_of_operator() -> str:
    output = "--output=jsonpath={range .items[*]}{.metadata.name}={.status.containerStatuses[*].restartCount} {end}"
    return kubectl("get", "pods", "--namespace=serviceexecution-system", output).stdout
