"""Plain executions beside plain Jobs on the embedded cluster: real pods, latency, throughput, CPU by process."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.bench.outcome import Bar, Outcome
from benchmarks.bench.size import Size
from benchmarks.bench.stage.audit import AuditCount, Request
from benchmarks.bench.stage.load import (
    end_of_execution,
    end_of_job,
    executions,
    jobs,
    namespace_of,
    run_executions,
    run_jobs,
    told,
)
from benchmarks.bench.stage.node_processes import machine_cpu_seconds, node_processes
from benchmarks.bench.stage.processes import Meter, Running
from serviceexecution.contract.json_types import JsonObject, metadata_of
from serviceexecution.kube.client import KubernetesClient
from serviceexecution.kube.kinds import JOBS, SERVICE_EXECUTIONS, ResourceKind

_IMAGE: Final = "docker.io/library/busybox:1.35.0"
_LATENCY_RATIO: Final = 0.45
_THROUGHPUT_RATIO: Final = 0.9
_REST_SECONDS: Final = 8
_MACHINE: Final = "whole machine"


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the two that are compared."""

    kind: ResourceKind
    make: Callable[[int, str], list[JsonObject]]
    run: Callable[[KubernetesClient, str, Sequence[JsonObject], int], Awaitable[None]]
    end: Callable[[JsonObject], str | None]


_KINDS: Final = {
    "executions": _Kind(SERVICE_EXECUTIONS, executions, run_executions, end_of_execution),
    "Jobs": _Kind(JOBS, jobs, run_jobs, end_of_job),
}


@dataclass(slots=True)
class _Found:
    """What was measured of one kind, a figure for each repeat."""

    speeds: list[float] = field(default_factory=list)
    """How many a minute."""
    latencies: list[float] = field(default_factory=list)
    """Seconds from the request to the end, on an idle node, one after the other."""
    cpu: list[dict[str, float]] = field(default_factory=list)
    """Milliseconds each, by process; what it takes at rest is left out."""
    requests: Counter[Request] = field(default_factory=Counter)


def run(size: Size) -> Outcome:
    """Measure on the embedded cluster of the environment. Raises RuntimeError without one."""
    kubeconfig, audit_log = os.environ.get("KUBECONFIG"), os.environ.get("SX_AUDIT_LOG")
    if os.environ.get("SX_CLUSTER_KIND") != "embedded" or not kubeconfig or not audit_log:
        raise RuntimeError('this part needs the embedded cluster: make up; eval "$(make -s env)"')
    return asyncio.run(_measure(node_processes(Path(kubeconfig).parent), Path(audit_log), size))


async def _measure(processes: tuple[Running, ...], audit_log: Path, size: Size) -> Outcome:
    found = {name: _Found() for name in _KINDS}
    client = await KubernetesClient.connect(user_agent="bench", qps=5_000, burst=5_000)
    try:
        async with namespace_of(client, "warm") as warm:
            for kind in _KINDS.values():
                await kind.run(client, warm, kind.make(2, _IMAGE), 2)
        machine, resting = machine_cpu_seconds(), Meter(processes)
        await asyncio.sleep(_REST_SECONDS)
        rest = {name: one / resting.seconds() for name, one in resting.milliseconds(1).items()}
        rest[_MACHINE] = (machine_cpu_seconds() - machine) * 1000 / resting.seconds()
        for _ in range(size.repeats):
            for name, kind in _KINDS.items():
                async with namespace_of(client, name.lower()) as namespace:
                    found[name].latencies += await _latencies(client, namespace, kind, size.one_by_one)
                    audit = AuditCount(audit_log)
                    machine, meter = machine_cpu_seconds(), Meter(processes)
                    await kind.run(client, namespace, kind.make(size.runs_on_node, _IMAGE), size.at_once)
                    seconds, number = meter.seconds(), size.runs_on_node
                    used = meter.milliseconds(number)
                    used[_MACHINE] = (machine_cpu_seconds() - machine) * 1000 / number
                    found[name].cpu.append({at: used[at] - rest[at] * seconds / number for at in used})
                    found[name].speeds.append(60 * number / seconds)
                    found[name].requests += audit.requests(namespace=namespace)
    finally:
        await client.close()
    return _outcome(found, size)


async def _latencies(client: KubernetesClient, namespace: str, kind: _Kind, number: int) -> list[float]:
    found = []
    async with told(client, kind.kind, namespace, kind.end) as ends:
        for body in kind.make(number, _IMAGE):
            begun = time.monotonic()
            await client.create(kind.kind, namespace, body)
            end = await ends.wait(str(metadata_of(body)["name"]))
            if end not in {"Succeeded", "Complete"}:
                raise RuntimeError(f"it has ended as {end}")
            found.append(time.monotonic() - begun)
    return found


def _outcome(found: dict[str, _Found], size: Size) -> Outcome:
    outcome = Outcome(("each", "executions", "plain Jobs", "ratio"))
    ours, plain = found["executions"], found["Jobs"]
    latency = median(ours.latencies) / median(plain.latencies)
    outcome.row("seconds to the end, idle", median(ours.latencies), median(plain.latencies), f"{latency:.2f}")
    speed = median(one / other for one, other in zip(ours.speeds, plain.speeds, strict=True))
    outcome.row("a minute", median(ours.speeds), median(plain.speeds), f"{speed:.2f}")
    for name in ours.cpu[0]:
        one, other = (median(each[name] for each in kind.cpu) for kind in (ours, plain))
        outcome.row(f"CPU ms: {name}", one, other, f"{one / other:.2f}" if other > 0.5 else "")
    number = size.runs_on_node * size.repeats
    for kind, of_kind in found.items():
        callers: Counter[str] = Counter()
        for request, count in of_kind.requests.items():
            callers[request.caller] += count
        each = ", ".join(
            f"{name or 'unnamed'} {count / number:.1f}" for name, count in callers.most_common(9)
        )
        outcome.notes.append(f"requests for each of {kind}: {sum(callers.values()) / number:.1f} ({each})")
    outcome.bars = [
        Bar("request to end on an idle node, to a plain Job's", latency, _LATENCY_RATIO),
        Bar("throughput on a real node, to plain Jobs", speed, _THROUGHPUT_RATIO, at_least=True),
    ]
    return outcome
