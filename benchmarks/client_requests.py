"""What a request of our Kubernetes client costs: ``python -m benchmarks.client_requests``.

Objects are created, read, changed and deleted one after the other in a namespace of their own; each figure is the mean
of processor time in this process and of wall time.
"""

import argparse
import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.table import Table

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import CONFIG_MAPS, NAMESPACES


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.client_requests", description=__doc__)
    parser.add_argument("--requests", type=int, default=300, help="of each kind")
    asyncio.run(_measure(parser.parse_args().requests))


async def _measure(number: int) -> None:
    client = await KubernetesClient.connect(user_agent="serviceexecution-benchmark", qps=1000, burst=1000)
    namespace = f"sx-requests-{secrets.token_hex(3)}"
    await client.create(NAMESPACES, None, {"metadata": {"name": namespace}})
    try:
        table = Table("request", "processor", "wall")
        for name, request in _requests(client, namespace).items():
            processor, wall = await _mean_milliseconds(request, number)
            table.add_row(name, f"{processor:.2f} ms", f"{wall:.2f} ms")
        Console().print(table)
    finally:
        await client.delete(NAMESPACES, None, namespace)
        await client.close()


def _requests(client: KubernetesClient, namespace: str) -> dict[str, Callable[[int], Awaitable[object]]]:
    def manifest(number: int) -> JsonObject:
        return {"metadata": {"name": f"c{number}"}, "data": {"a": "b"}}

    return {
        "create": lambda number: client.create(CONFIG_MAPS, namespace, manifest(number)),
        "get": lambda number: client.get(CONFIG_MAPS, namespace, f"c{number}"),
        "patch": lambda number: client.patch(CONFIG_MAPS, namespace, f"c{number}", {"data": {"a": "c"}}),
        "delete": lambda number: client.delete(CONFIG_MAPS, namespace, f"c{number}"),
    }


async def _mean_milliseconds(request: Callable[[int], Awaitable[object]], number: int) -> tuple[float, float]:
    processor, wall = time.process_time(), time.perf_counter()
    for one in range(number):
        await request(one)
    spent = time.process_time() - processor, time.perf_counter() - wall
    return spent[0] / number * 1000, spent[1] / number * 1000


if __name__ == "__main__":
    main()
