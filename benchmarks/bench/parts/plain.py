"""Plain executions beside plain Jobs on a stand-in node: CPU by process, requests by caller, throughput."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.bench.outcome import Bar, Outcome
from benchmarks.bench.size import Size
from benchmarks.bench.stage.audit import READS, AuditCount, Request, of_callers
from benchmarks.bench.stage.control_plane import ControlPlane
from benchmarks.bench.stage.installation import CONTROLLER_AGENT, Installation, installed
from benchmarks.bench.stage.load import executions, jobs, namespace_of, run_executions, run_jobs
from benchmarks.bench.stage.node import node
from benchmarks.bench.stage.processes import Meter
from benchmarks.bench.stage.yardstick import yardstick
from tests.support.audit import WRITES

_OURS: Final = "serviceexecution"
_CONTROLLER_MS: Final = 15
_WRITES: Final = 5
_READS: Final = 0
_API_SERVER_RATIO: Final = 1.6
_THROUGHPUT_RATIO: Final = 0.9
_REST_SECONDS: Final = 8
_WARM_UP: Final = 20


@dataclass(frozen=True, slots=True)
class _Round:
    cpu: dict[str, float]
    """Milliseconds each, by process; what it takes at rest is left out."""
    speed: float
    """How many a minute."""
    factor: float
    """What the yardstick says."""
    passes: float
    """Of the controller, each."""


def run(size: Size) -> Outcome:
    """Measure on a control plane of its own."""
    with installed(fast=True) as (plane, ours):
        return asyncio.run(_measure(plane, ours, size))


async def _measure(plane: ControlPlane, ours: Installation, size: Size) -> Outcome:
    watched = (ours.controller, ours.gateway, *plane.processes)
    client = await plane.client()
    rounds: dict[str, list[_Round]] = {"executions": [], "Jobs": []}
    requests: Counter[Request] = Counter()
    try:
        async with node(plane, ours.gateway_url, seconds=size.program_seconds) as standing:
            async with namespace_of(client, "warm") as warm:
                await run_executions(client, warm, executions(_WARM_UP), 10)
                await run_jobs(client, warm, jobs(_WARM_UP), 10)
            resting = Meter(watched)
            await asyncio.sleep(_REST_SECONDS)
            rest = resting.milliseconds(1)
            rest = {name: one / resting.seconds() for name, one in rest.items()}
            for _ in range(size.repeats):
                for what, of_kind in rounds.items():
                    async with namespace_of(client, what.lower()) as namespace, yardstick() as factor:
                        audit, passes = AuditCount(plane.audit_log), ours.passes()
                        meter = Meter(watched)
                        if what == "Jobs":
                            await run_jobs(client, namespace, jobs(size.runs), size.at_once)
                        else:
                            await run_executions(client, namespace, executions(size.runs), size.at_once)
                        seconds, used = meter.seconds(), meter.milliseconds(size.runs)
                        idle = seconds / size.runs
                        cpu = {name: (used[name] - rest[name] * idle) * factor.factor for name in used}
                        passes = ours.passes() - passes
                        of_kind.append(
                            _Round(cpu, 60 * size.runs / seconds, factor.factor, passes / size.runs)
                        )
                        if what == "executions":
                            requests += audit.requests(namespace=namespace)
            if standing.failures:
                raise RuntimeError(standing.failures[0])
    finally:
        await client.close()
    return _outcome(rounds, requests, size)


def _outcome(
    rounds: dict[str, list[_Round]],
    requests: Counter[Request],
    size: Size,
) -> Outcome:
    found = Outcome(("CPU ms each", "executions", "plain Jobs", "ratio"))
    figures = {
        what: {name: median(one.cpu[name] for one in each) for name in each[0].cpu}
        for what, each in rounds.items()
    }
    speeds = {what: [one.speed for one in each] for what, each in rounds.items()}
    factors = sorted(one.factor for each in rounds.values() for one in each)
    found.notes.append(
        f"CPU times are those of a machine at rest: measured ones times {factors[0]:.2f} to {factors[-1]:.2f}"
    )
    for name, ours in figures["executions"].items():
        plain = figures["Jobs"][name]
        found.row(name, ours, plain, f"{ours / plain:.2f}" if plain > 0.5 else "")
    pairs = zip(speeds["executions"], speeds["Jobs"], strict=True)
    speed = median(ours / plain for ours, plain in pairs)
    found.row("a minute", median(speeds["executions"]), median(speeds["Jobs"]), f"{speed:.2f}")
    passes = [median(one.passes for one in rounds[what]) for what in ("executions", "Jobs")]
    found.row("passes of the controller", *passes, "")
    number = size.runs * size.repeats
    writes = of_callers(requests, _OURS, WRITES)
    reads = of_callers(requests, CONTROLLER_AGENT, READS, exactly=True)
    found.notes.append(f"writes of ours: {_each(writes, number)}")
    found.notes.append(f"reads of the controller beside logs: {_each(reads, number)}")
    for caller in sorted({one.caller for one in requests}):
        of_one = {f"{one.verb} {one.resource}": n for one, n in requests.items() if one.caller == caller}
        found.notes.append(f"all requests of {caller}: {_each(of_one, number)}")
    controller = figures["executions"]["controller"]
    api_server = figures["executions"]["kube-apiserver"] / figures["Jobs"]["kube-apiserver"]
    found.bars = [
        Bar("controller CPU per plain execution", controller, _CONTROLLER_MS, "ms"),
        Bar("writes per plain execution", sum(writes.values()) / number, _WRITES + 0.05),
        Bar("reads of the controller per plain execution", sum(reads.values()) / number, _READS + 0.05),
        Bar("API server CPU per execution, to a plain Job's", api_server, _API_SERVER_RATIO),
        Bar("throughput on a stand-in node, to plain Jobs", speed, _THROUGHPUT_RATIO, at_least=True),
    ]
    return found


def _each(counts: dict[str, int], number: int) -> str:
    common = [
        f"{what} {count / number:.2f}" for what, count in sorted(counts.items()) if count >= number / 50
    ]
    return ", ".join(common) or "none"
