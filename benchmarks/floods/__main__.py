"""Each shared budget under attack, beside a witness: ``python -m benchmarks.floods [--only NAME]``.

The installed operator on the cluster of KUBECONFIG, with its own memory limits. For each attack the witness works for
some seconds alone and for as many beside the attacker, whose process gets what processors all others leave. The
bars: nothing of the witness fails, its p99 is at most twice the quiet one (or 50 ms more, the noise of one machine),
no container of the operator restarts.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from rich.console import Console
from rich.table import Table
from typing_extensions import override

from benchmarks.floods.attacking import attack, attacking
from benchmarks.floods.attacks import ATTACKS, Attacker, Tally
from benchmarks.floods.processor import processor_seconds, shares
from benchmarks.floods.stage import Tenant, collector_token, tenant
from benchmarks.floods.witness import Seen, Witness
from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import Cluster, member
from tests.support.operator import Operator

RATIO: Final = 2.0
NOISE_MILLISECONDS: Final = 50.0


@dataclass(frozen=True, slots=True)
class Load:
    """What an attacker sent meanwhile, a second, and what that took."""

    sent: float
    answers: dict[str, float]
    processors: dict[str, float]

    @classmethod
    def between(cls, before: Tally, after: Tally, processors: dict[str, float], seconds: float) -> "Load":
        """Return the load between two looks."""
        answers = {
            status: (count - before.answers.get(status, 0)) / seconds
            for status, count in after.answers.items()
        }
        return cls((after.sent - before.sent) / seconds, answers, processors)

    @override
    def __str__(self) -> str:
        answers = ", ".join(f"{status}: {rate:.0f}" for status, rate in self.answers.items() if rate >= 0.5)
        return f"{self.sent:.0f} ({answers or 'none answered'})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attack."""

    name: str
    quiet: Seen
    flooded: Seen
    restarts: int
    load: Load

    def met(self, what: str) -> bool:
        """Tell whether the witness was held up by no more than the bar allows."""
        quiet, flooded = self.quiet.p99(what), self.flooded.p99(what)
        return flooded <= max(RATIO * quiet, quiet + NOISE_MILLISECONDS)

    @property
    def good(self) -> bool:
        """Tell whether all bars are met."""
        return not self.failures and not self.restarts and all(map(self.met, self.quiet.latencies))

    @property
    def failures(self) -> Counter[str]:
        """Return what failed of the witness, when it worked alone as well."""
        return self.quiet.failures + self.flooded.failures


def main() -> int:
    """Return 1 when a bar is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floods", description=__doc__)
    parser.add_argument("--only", action="append", choices=ATTACKS, help="this attack; may be repeated")
    parser.add_argument("--seconds", type=float, default=20, help="how long the witness works each time")
    parser.add_argument("--output", type=Path, help="write the figures as JSON to this file")
    parser.add_argument("--attack", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.attack is not None:
        return attack(arguments.attack)
    address = os.environ.get("SX_GATEWAY_ADDRESS")
    if not address:
        sys.exit('error: SX_GATEWAY_ADDRESS says no gateway; run `make up`, then eval "$(make -s env)".')
    cluster = Cluster()
    with tenant(cluster, "witness") as witness, tenant(cluster, "attacker") as evil:
        attacker = Attacker(address, evil, collector_token(cluster, evil.namespace))
        outcomes = [
            asyncio.run(_measure(cluster, name, attacker, witness, arguments.seconds))
            for name in arguments.only or ATTACKS
        ]
    report(outcomes)
    if arguments.output is not None:
        arguments.output.write_text(json.dumps([_figures(one) for one in outcomes], indent=2) + "\n")
    return 0 if all(one.good for one in outcomes) else 1


def report(outcomes: list[Outcome]) -> None:
    """Print the table."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    calls = sorted({what for one in outcomes for what in one.quiet.latencies})
    table = Table("attack", *(f"{what} p99 ms" for what in calls), "failures of the witness", "restarts", "")
    loads = Table("attack", "sent a second (answered)", "processors taken")
    for one in outcomes:
        cells = [f"{one.quiet.p99(what):.0f} → {one.flooded.p99(what):.0f}" for what in calls]
        failures = ", ".join(f"{what}: {count}" for what, count in one.failures.items()) or "none"
        table.add_row(one.name, *cells, failures, str(one.restarts), "ok" if one.good else "NOT MET")
        taken = ", ".join(f"{who} {share:.2f}" for who, share in one.load.processors.items())
        loads.add_row(one.name, str(one.load), taken)
    console.print(table)
    console.print(loads)


async def _measure(
    cluster: Cluster, name: str, attacker: Attacker, tenant: Tenant, seconds: float
) -> Outcome:
    witness = Witness(attacker.address, tenant)
    try:
        await witness.work(2)  # Warm: its token is known, connections are open
        before = _restarts(cluster)
        quiet = await witness.work(seconds)
        async with attacking(name, attacker) as attack:
            used, sent, begun = processor_seconds(), await attack.tally(), time.monotonic()
            used["attacker"] = attack.processor_seconds()
            flooded = await witness.work(seconds)
            took = time.monotonic() - begun
            later = processor_seconds()
            later["attacker"] = attack.processor_seconds()
            load = Load.between(sent, await attack.tally(), shares(used, later, took), took)
        return Outcome(name, quiet, flooded, _restarts(cluster) - before, load)
    finally:
        await witness.close()


def _restarts(cluster: Cluster) -> int:
    operator = Operator.find(cluster)
    pods = [] if operator is None else operator.pods()
    statuses = [
        status
        for pod in pods
        for status in cast("list[JsonObject]", member(pod, "status", "containerStatuses") or [])
    ]
    return sum(cast("int", status["restartCount"]) for status in statuses)


def _figures(outcome: Outcome) -> JsonObject:
    p99: JsonObject = {
        what: [round(outcome.quiet.p99(what), 1), round(outcome.flooded.p99(what), 1)]
        for what in outcome.quiet.latencies
    }
    return {
        "attack": outcome.name,
        "p99Milliseconds": p99,
        "failures": dict(outcome.failures),
        "restarts": outcome.restarts,
        "sentPerSecond": round(outcome.load.sent, 1),
        "answeredPerSecond": {status: round(rate, 1) for status, rate in outcome.load.answers.items()},
        "processors": {who: round(share, 2) for who, share in outcome.load.processors.items()},
        "met": outcome.good,
    }


if __name__ == "__main__":
    sys.exit(main())
