"""Heavy executions and inputs, as many clients and earlier versions of the operator leave them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Final

from benchmarks.weight.memory import kubectl
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import CONFIG_MAPS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import API_GROUP, API_VERSION, KIND

NOBODYS: Final = "nobodys"
"""A service that does not exist: nothing of it can start, however late its end is written."""
_ENDED: Final[JsonObject] = {
    "observedGeneration": 1,
    "phase": "Succeeded",
    "reason": "Succeeded",
    "completionTime": "2026-01-01T00:00:00Z",
}
_SCHEMA_BYTES: Final = 60 * 1024
_INPUT_BYTES: Final = 1_000_000
_DEPTH: Final = 5_000
_AT_ONCE: Final = 16
_TOLD_EACH: Final = 1_000


async def fill(namespace: str, *, schemas: int, inputs: int) -> None:
    """Make executions that have ended: each of the first with a copy of an output schema of 60 KiB, as versions that
    kept it after the end have left them, each of the others with an input of a megabyte.
    """
    client = await KubernetesClient.connect(user_agent="serviceexecution-weight", qps=300, burst=300)
    schema: JsonObject = {"type": "object", "description": "x" * _SCHEMA_BYTES}
    taken: JsonObject = {"name": NOBODYS, "uid": "0", "generation": 1, "fields": {}, "outputSchema": schema}
    try:

        async def with_schema(number: int) -> None:
            spec: JsonObject = {"serviceRef": {"name": NOBODYS}}
            await _ended(client, namespace, f"schema-{number}", spec, taken)

        async def with_input(number: int) -> None:
            name = f"input-{number}"
            data: JsonObject = {"data": json.dumps("x" * _INPUT_BYTES)}
            await client.create(CONFIG_MAPS, namespace, {"metadata": {"name": name}, "data": data})
            spec: JsonObject = {
                "serviceRef": {"name": NOBODYS},
                "inputFrom": {"configMapRef": {"name": name}},
            }
            await _ended(client, namespace, name, spec, None)

        await _each(schemas, with_schema)
        await _each(inputs, with_input)
    finally:
        await client.close()


def nest(namespace: str) -> str:
    """Make an execution nested thousands deep, and return the reason with which it ends."""
    # As text: a JSON writer gives up long before.
    deep = '{"a":' * _DEPTH + "0" + "}" * _DEPTH
    head = f'"apiVersion":"{API_GROUP}/{API_VERSION}","kind":"{KIND}","metadata":{{"name":"deep"}}'
    text = f'{{{head},"spec":{{"runtime":{{"docker":{{"image":"busybox"}}}},"input":{deep}}}}}'
    kubectl("create", "--namespace", namespace, "--validate=false", "--filename", "-", given=text)
    path = "jsonpath={.status.reason}"
    kubectl(
        *("wait", "serviceexecution/deep", "--namespace", namespace),
        *("--for", "jsonpath={.status.phase}=Failed", "--timeout", "300s"),
    )
    return kubectl("get", "serviceexecution", "deep", "--namespace", namespace, "--output", path)


async def _each(number: int, make: Callable[[int], Awaitable[None]]) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(at: int) -> None:
        async with turns:
            await make(at)
        if (at + 1) % _TOLD_EACH == 0:
            print(f"{at + 1} of {number} objects", flush=True)

    async with asyncio.TaskGroup() as group:
        for at in range(number):
            group.create_task(one(at))


async def _ended(
    client: KubernetesClient, namespace: str, name: str, spec: JsonObject, taken: JsonObject | None
) -> None:
    manifest: JsonObject = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": KIND,
        "metadata": {"name": name},
        "spec": spec,
    }
    await client.create(SERVICE_EXECUTIONS, namespace, manifest)
    status = _ENDED if taken is None else {**_ENDED, "service": taken}
    await client.patch(SERVICE_EXECUTIONS, namespace, name, {"status": status}, subresource="status")
