"""Status reads of one gateway process: its CPU for each, and how many a second one processor could answer."""

import asyncio
from typing import Final

import aiohttp

from benchmarks.bench.outcome import Bar, Outcome
from benchmarks.bench.parts.queue import of_service, service
from benchmarks.bench.size import Size
from benchmarks.bench.stage.control_plane import ControlPlane
from benchmarks.bench.stage.installation import Installation, installed
from benchmarks.bench.stage.load import executions, namespace_of
from benchmarks.bench.stage.processes import Meter
from benchmarks.bench.stage.yardstick import yardstick
from serviceexecution.contract.json_types import metadata_of
from serviceexecution.gateway.access.tokens import SERVICE_AUDIENCE
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS

_CLIENTS: Final = (1, 32, 256)
_THERE: Final = 100
_READS_A_SECOND: Final = 2_000


def run(size: Size) -> Outcome:
    """Measure on a control plane of its own."""
    with installed() as (plane, ours):
        return asyncio.run(_measure(plane, ours, size))


async def _measure(plane: ControlPlane, ours: Installation, size: Size) -> Outcome:
    found = Outcome(("status reads", "requests", "CPU ms each", "a second and processor"))
    client = await plane.client()
    try:
        async with namespace_of(client, "read") as namespace:
            await client.create(SERVICE_DEFINITIONS, namespace, service())
            bodies = [of_service(body) for body in executions(_THERE)]
            made = [await client.create(SERVICE_EXECUTIONS, namespace, body) for body in bodies]
            role = ("--clusterrole=cluster-admin", f"--serviceaccount={namespace}:default")
            plane.kubectl("create", "clusterrolebinding", namespace, *role)
            wanted = ("--namespace", namespace, "--audience", SERVICE_AUDIENCE)
            token = plane.kubectl("create", "token", "default", *wanted).strip()
            paths = [f"/services/{namespace}/queue/{metadata_of(body)['uid']}" for body in made]
            urls = [f"{ours.gateway_url}{path}" for path in paths]
            await _read(urls, token, clients=8, requests=200)
            for clients in _CLIENTS:
                async with yardstick() as factor:
                    meter = Meter((ours.gateway,))
                    await _read(urls, token, clients=clients, requests=size.requests)
                    cpu = meter.milliseconds(size.requests)["gateway"] * factor.factor
                found.row(f"{clients} clients", f"{size.requests:,}", cpu, 1000 / cpu)
                found.series.setdefault("reads a second", []).append((clients, 1000 / cpu))
    finally:
        await client.close()
    worst = min(rate for _, rate in found.series["reads a second"])
    found.bars = [Bar("status reads of a gateway process", worst, _READS_A_SECOND, "a second", at_least=True)]
    return found


async def _read(urls: list[str], token: str, *, clients: int, requests: int) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def poll(first: int) -> None:
            for number in range(first, requests, clients):
                async with session.get(urls[number % len(urls)]) as answer:
                    text = await answer.read()
                    if answer.status != 200:
                        raise RuntimeError(f"the gateway answers {answer.status}: {text[:200]!r}")

        async with asyncio.TaskGroup() as group:
            for first in range(clients):
                group.create_task(poll(first))
