"""Thousands of executions in the queue of one service that lets one run: what each costs, and each event among them."""

import asyncio
from typing import Final

from benchmarks.bench.outcome import Bar, Outcome
from benchmarks.bench.size import Size
from benchmarks.bench.stage.control_plane import ControlPlane
from benchmarks.bench.stage.installation import Installation, installed
from benchmarks.bench.stage.load import executions, namespace_of, told
from benchmarks.bench.stage.processes import Meter
from benchmarks.bench.stage.yardstick import yardstick
from serviceexecution.contract.json_types import JsonObject, metadata_of, object_at
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND, KIND

_AT_ONCE: Final = 32
_EVENTS: Final = 300
_EACH_MS: Final = 8
_RATE: Final = 3_000
_EVENT_MS: Final = 0.5
_KIB: Final = 1024


def run(size: Size) -> Outcome:
    """Measure on a control plane of its own, on which nothing can run."""
    with installed(fast=True) as (plane, ours):
        return asyncio.run(_measure(plane, ours, size))


async def _measure(plane: ControlPlane, ours: Installation, size: Size) -> Outcome:
    found = Outcome(("", "executions", "a minute", "CPU ms each", "KiB each", "API server CPU ms each"))
    watched = (ours.controller, *(one for one in plane.processes if one.name == "kube-apiserver"))
    client = await plane.client()
    try:
        async with namespace_of(client, "queue") as namespace:
            await client.create(SERVICE_DEFINITIONS, namespace, service())
            await _queue(client, namespace, executions(20))
            before = ours.controller.resident_bytes()
            async with yardstick() as factor:
                meter = Meter(watched)
                await _queue(client, namespace, executions(size.queued))
                each, seconds = meter.milliseconds(size.queued), meter.seconds()
            held = (ours.controller.resident_bytes() - before) / size.queued / _KIB
            cpu = each["controller"] * factor.factor
            rate = 60 * size.queued / seconds
            api_server = each["kube-apiserver"] * factor.factor
            found.row("into the queue", f"{size.queued:,}", rate, cpu, held, api_server)
            found.bars += [
                Bar(f"CPU of the controller for each of {size.queued:,} in a queue", cpu, _EACH_MS, "ms"),
                Bar("rate into a queue", rate, _RATE, "a minute", at_least=True),
            ]
            rest = max(0, size.long_queue - size.queued)
            names = await _queue(client, namespace, executions(rest)) if rest else []
            async with yardstick() as factor:
                meter = Meter(watched)
                for name in names[:_EVENTS]:
                    patch: JsonObject = {"metadata": {"annotations": {"note": "read"}}}
                    await client.patch(SERVICE_EXECUTIONS, namespace, name, patch)
                await asyncio.sleep(2)
                event = meter.milliseconds(len(names[:_EVENTS]))
            cpu = event["controller"] * factor.factor
            found.row("an event among them", f"{size.long_queue:,}", "", cpu, "", "")
            found.bars.append(Bar(f"CPU per event with {size.long_queue:,} queued", cpu, _EVENT_MS, "ms"))
            found.notes.append(f"the yardstick: measured times {factor.factor:.2f}")
    finally:
        await client.close()
    return found


async def _queue(client: KubernetesClient, namespace: str, bodies: list[JsonObject]) -> list[str]:
    """Submit executions of the service, and wait until all of them say that they are queued or start."""

    def said(body: JsonObject) -> str | None:
        reason = object_at(body, "status").get("reason")
        return None if reason is None else str(reason)

    turns = asyncio.Semaphore(_AT_ONCE)
    async with told(client, SERVICE_EXECUTIONS, namespace, said) as known:

        async def one(body: JsonObject) -> None:
            async with turns:
                await client.create(SERVICE_EXECUTIONS, namespace, body)
            await known.wait(str(metadata_of(body)["name"]))

        bodies = [of_service(body) for body in bodies]
        async with asyncio.TaskGroup() as group:
            for body in bodies:
                group.create_task(one(body))
    return [str(metadata_of(body)["name"]) for body in bodies]


def of_service(body: JsonObject) -> JsonObject:
    """Return an execution as one of the service."""
    spec: JsonObject = {"serviceRef": {"name": "queue"}, "input": {"number": 1}}
    return {**body, "spec": spec, "kind": KIND}


def service() -> JsonObject:
    """Return a service that lets one execution run at a time."""
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "metadata": {"name": "queue"},
        "spec": {"runtime": {"docker": {"image": "none", "command": ["true"]}}, "concurrency": 1},
    }
