"""Many and heavy objects on the installed operator: ``python -m benchmarks.weight``.

Makes what the findings of memory were made of, then restarts controller and gateway, so that they read all of it at
once, and prints what each process holds and whether its container was ended. Exit status 1 when one was.
"""

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Final, cast

from rich.console import Console
from rich.table import Table

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import CONFIG_MAPS, PODS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND, KIND
from tests.support.cluster import NAMESPACES, Cluster, member, name_of, uid_of
from tests.support.operator import Operator

_ENDED: Final[JsonObject] = {
    "phase": "Succeeded",
    "reason": "Succeeded",
    "completionTime": "2026-01-01T00:00:00Z",
}
_SCHEMA_BYTES: Final = 60 * 1024
_INPUT_BYTES: Final = 1_000_000
_DEPTH: Final = 5_000
_AT_ONCE: Final = 16
_SETTLE_SECONDS: Final = 240


def main() -> int:
    """Return 1 when a container of the operator was ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weight", description=__doc__)
    parser.add_argument(
        "--schemas", type=int, default=2_000, help="executions with an output schema of 60 KiB"
    )
    parser.add_argument("--inputs", type=int, default=200, help="ended executions with an input of 1 MB")
    arguments = parser.parse_args()
    cluster = Cluster()
    operator = Operator.find(cluster)
    if operator is None:
        sys.exit("error: no operator is installed; run `make up`.")
    namespace = f"sx-weight-{secrets.token_hex(3)}"
    cluster.create(NAMESPACES, None, {"metadata": {"name": namespace}})
    try:
        rows = [("before", *_memory(operator))]
        asyncio.run(_fill(namespace, schemas=arguments.schemas, inputs=arguments.inputs))
        _nest(namespace)
        rows.append(("with all of it", *_memory(operator)))
        old = frozenset(uid_of(pod) for pod in operator.pods())
        for pod in operator.pods():
            cluster.delete(PODS, operator.namespace, name_of(pod), grace_seconds=0)
        operator.wait_until_ready(seconds=_SETTLE_SECONDS, not_uids=old)
        rows.append(("after a restart", *_memory(operator)))
    finally:
        cluster.delete(NAMESPACES, None, namespace)
    table = Table("", "controller MiB", "gateway MiB", "restarts")
    for name, controller, gateway, restarts in rows:
        table.add_row(name, f"{controller:.0f}", f"{gateway:.0f}", str(restarts))
    Console().print(table)
    return 1 if rows[-1][3] > 0 or rows[1][3] > rows[0][3] else 0


def _memory(operator: Operator) -> tuple[float, float, int]:
    """Return the highest resident memory of both processes so far, in MiB, and the restarts of their containers."""
    found = {"controller": 0.0, "gateway": 0.0}
    restarts = 0
    for pod in operator.pods():
        for status in cast("list[JsonObject]", member(pod, "status", "containerStatuses") or []):
            restarts += cast("int", status["restartCount"])
            name = str(status["name"])
            command = ["exec", "--namespace", operator.namespace, name_of(pod), "--container", name]
            words = _kubectl(*command, "--", "cat", "/proc/1/status")
            peak = next(line for line in words.splitlines() if line.startswith("VmHWM:"))
            found[name] = int(peak.split()[1]) / 1024
    return found["controller"], found["gateway"], restarts


async def _fill(namespace: str, *, schemas: int, inputs: int) -> None:
    client = await KubernetesClient.connect(user_agent="serviceexecution-weight", qps=300, burst=300)
    try:
        await client.create(
            SERVICE_DEFINITIONS,
            namespace,
            {
                "apiVersion": f"{API_GROUP}/{API_VERSION}",
                "kind": DEFINITION_KIND,
                "metadata": {"name": "waiting"},
                "spec": {"runtime": {"docker": {"image": "busybox"}}, "queueName": "nobody-admits"},
            },
        )
        schema: JsonObject = {"type": "object", "description": "x" * _SCHEMA_BYTES}
        taken: JsonObject = {
            "name": "waiting",
            "uid": "0",
            "generation": 1,
            "fields": {},
            "outputSchema": schema,
        }

        async def with_schema(number: int) -> None:
            await _ended(client, namespace, f"schema-{number}", {"serviceRef": {"name": "waiting"}}, taken)

        async def with_input(number: int) -> None:
            name = f"input-{number}"
            data: JsonObject = {"data": json.dumps("x" * _INPUT_BYTES)}
            await client.create(CONFIG_MAPS, namespace, {"metadata": {"name": name}, "data": data})
            spec: JsonObject = {
                "serviceRef": {"name": "waiting"},
                "inputFrom": {"configMapRef": {"name": name}},
            }
            await _ended(client, namespace, name, spec, None)

        await _each(schemas, with_schema)
        await _each(inputs, with_input)
    finally:
        await client.close()


async def _each(number: int, make: Callable[[int], Awaitable[None]]) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(at: int) -> None:
        async with turns:
            await make(at)

    async with asyncio.TaskGroup() as group:
        for at in range(number):
            group.create_task(one(at))


async def _ended(
    client: KubernetesClient, namespace: str, name: str, spec: JsonObject, taken: JsonObject | None
) -> None:
    """Make an execution that has ended, with what it took from its service."""
    manifest: JsonObject = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": KIND,
        "metadata": {"name": name},
        "spec": spec,
    }
    await client.create(SERVICE_EXECUTIONS, namespace, manifest)
    status = _ENDED if taken is None else {**_ENDED, "service": taken}
    await client.patch(SERVICE_EXECUTIONS, namespace, name, {"status": status}, subresource="status")


def _nest(namespace: str) -> None:
    """Make an execution nested thousands deep, as text: our own JSON writer would not."""
    deep = '{"a":' * _DEPTH + "0" + "}" * _DEPTH
    head = f'"apiVersion":"{API_GROUP}/{API_VERSION}","kind":"{KIND}","metadata":{{"name":"deep"}}'
    text = f'{{{head},"spec":{{"runtime":{{"docker":{{"image":"busybox"}}}},"input":{deep}}}}}'
    _kubectl("create", "--namespace", namespace, "--validate=false", "--filename", "-", given=text)


def _kubectl(*arguments: str, given: str | None = None) -> str:
    done = subprocess.run(["kubectl", *arguments], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: kubectl {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
