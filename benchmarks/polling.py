"""A thousand clients poll one gateway: ``python -m benchmarks.polling``.

A gateway process of this checkout on loopback, the cluster of KUBECONFIG behind it, and a namespace with executions
that wait in a queue which nobody admits, so that nothing runs meanwhile. The same load on ``/healthz``, which does
nothing, is the yardstick: what polling costs is said as a ratio to it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import TypedDict, cast

from rich.console import Console
from rich.table import Table

from benchmarks.gateway_process import GatewayProcess, gateway_process
from benchmarks.polling_setup import PollingSetup, polling_setup


class Seen(TypedDict):
    """What the pollers print."""

    latencies: list[float]
    failures: dict[str, int]


@dataclass(frozen=True, slots=True)
class Round:
    """One load: times in milliseconds, CPU in percent of one core."""

    name: str
    requests: int
    failures: dict[str, int]
    middle: float
    p99: float
    worst: float
    cpu: float
    resident: float
    kubernetes: dict[str, int]


def measure(gateway: GatewayProcess, name: str, paths: list[str], token: str, seconds: float) -> Round:
    """Poll each path once a second for ``seconds``."""
    command = [
        *(sys.executable, "-m", "benchmarks.pollers", "--host", "127.0.0.1", "--port", str(gateway.port)),
        *("--token", token, "--seconds", str(seconds)),
    ]
    before, cpu = gateway.kubernetes_requests(), gateway.cpu_seconds()
    done = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True, check=True)
    cpu = gateway.cpu_seconds() - cpu
    after = gateway.kubernetes_requests()
    seen = cast("Seen", json.loads(done.stdout))
    latencies = [one * 1000 for one in seen["latencies"]]
    return Round(
        name=name,
        requests=len(latencies) + sum(seen["failures"].values()),
        failures=seen["failures"],
        middle=median(latencies),
        p99=quantiles(latencies, n=100)[98],
        worst=max(latencies),
        cpu=100 * cpu / seconds,
        resident=gateway.resident_bytes() / 1024**2,
        kubernetes={
            key: count - before.get(key, 0) for key, count in after.items() if count > before.get(key, 0)
        },
    )


def report(rounds: Sequence[Round]) -> None:
    """Print the figures, and the ratios of the last round to the first."""
    console = Console()
    table = Table("load", "requests", "failures", "median ms", "p99 ms", "worst ms", "CPU %", "RSS MiB")
    for one in rounds:
        failures = ", ".join(f"{kind}: {count}" for kind, count in one.failures.items()) or "none"
        figures = (f"{value:.1f}" for value in (one.middle, one.p99, one.worst, one.cpu, one.resident))
        table.add_row(one.name, str(one.requests), failures, *figures)
    console.print(table)
    for one in rounds:
        counts = ", ".join(f"{what}: {count}" for what, count in sorted(one.kubernetes.items()))
        console.print(f"Requests to the API server while polling {one.name}: {counts or 'none'}")
    first, last = rounds[0], rounds[-1]
    console.print(
        f"{last.name} to {first.name}: p99 {last.p99 / first.p99:.1f} times, CPU {last.cpu / first.cpu:.1f} times"
    )


def run(setup: PollingSetup, *, pollers: int, seconds: float) -> list[Round]:
    """Measure the yardstick and the status call."""
    statuses = [setup.status_paths[number % len(setup.status_paths)] for number in range(pollers)]
    with tempfile.TemporaryDirectory() as directory, gateway_process(Path(directory)) as gateway:
        measure(gateway, "warm-up", statuses, setup.token, 3)
        return [
            measure(gateway, "/healthz", ["/healthz"] * pollers, setup.token, seconds),
            measure(gateway, "status", statuses, setup.token, seconds),
        ]


def main() -> int:
    """Return 1 when a request failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.polling", description=__doc__)
    parser.add_argument("--pollers", type=int, default=1000)
    parser.add_argument("--executions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    with polling_setup(arguments.executions) as setup:
        rounds = run(setup, pollers=arguments.pollers, seconds=arguments.seconds)
    report(rounds)
    return 1 if any(one.failures for one in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
