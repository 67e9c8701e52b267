"""Each shared budget under attack, beside a witness: ``python -m benchmarks.floods [--only NAME]``.

The installed operator on the cluster of KUBECONFIG, with its own memory limits. For each attack the witness works for
some seconds alone and for as many beside the attacker, whose process gets what processors all others leave. The
bars: nothing of the witness fails, its p99 is at most twice the quiet one (or 50 ms more, the noise of one machine),
no container of the operator restarts, and the attack was strong.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

from benchmarks.floods.attacking import AttackEndedError, Attacking, attack, attacking
from benchmarks.floods.attacks import Attacker
from benchmarks.floods.outcome import Load, Outcome
from benchmarks.floods.plans import PLANS
from benchmarks.floods.processor import processor_seconds, shares
from benchmarks.floods.report import line, report
from benchmarks.floods.stage import Tenant, collector_token, tenant
from benchmarks.floods.witness import Seen, Witness
from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import Cluster, member
from tests.support.operator import Operator

_WARM_SECONDS: Final = 2.0
"""Its token is known then, and connections are open."""


def main() -> int:
    """Return 1 when a bar is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floods", description=__doc__)
    parser.add_argument("--only", action="append", choices=PLANS, help="this attack; may be repeated")
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
    outcomes: list[Outcome] = []
    with tenant(cluster, "witness") as witness, tenant(cluster, "attacker") as evil:
        attacker = Attacker(address, evil, collector_token(cluster, evil.namespace))
        for name in arguments.only or PLANS:
            outcomes.append(asyncio.run(_measure(cluster, name, attacker, witness, arguments.seconds)))
            print(line(outcomes[-1]), file=sys.stderr, flush=True)
    report(outcomes)
    if arguments.output is not None:
        arguments.output.write_text(json.dumps([one.figures() for one in outcomes], indent=2) + "\n")
    return 0 if all(one.good for one in outcomes) else 1


async def _measure(
    cluster: Cluster, name: str, attacker: Attacker, tenant: Tenant, seconds: float
) -> Outcome:
    """Return what an attack has shown; one that ends by itself does not end the others."""
    async with _witness(attacker.address, tenant) as witness:
        before = _restarts(cluster)
        outcome = Outcome(name, quiet=await witness.work(seconds))
        try:
            async with attacking(name, attacker) as attack:
                flooded, load = await _beside(attack, witness, seconds)
            outcome = replace(outcome, flooded=flooded, load=load)
            control = PLANS[name].control
            if control is not None and load.served > 0:
                plain = replace(attacker, rate=load.served)
                async with attacking(control, plain) as attack:
                    outcome = replace(outcome, control=(await _beside(attack, witness, seconds))[0])
        except AttackEndedError as error:
            outcome = replace(outcome, broken=str(error))
        return replace(outcome, restarts=_restarts(cluster) - before)


@asynccontextmanager
async def _witness(address: str, tenant: Tenant) -> AsyncGenerator[Witness, None]:
    witness = Witness(address, tenant)
    try:
        await witness.work(_WARM_SECONDS)
        yield witness
    finally:
        await witness.close()


async def _beside(attack: Attacking, witness: Witness, seconds: float) -> tuple[Seen, Load]:
    """Return what the witness saw beside an attack, and what the attack was."""
    used, sent, begun = processor_seconds(), await attack.tally(), time.monotonic()
    used["attacker"] = attack.processor_seconds()
    seen = await witness.work(seconds)
    took = time.monotonic() - begun
    later = processor_seconds()
    later["attacker"] = attack.processor_seconds()
    return seen, Load.between(sent, await attack.tally(), shares(used, later, took), took)


def _restarts(cluster: Cluster) -> int:
    operator = Operator.find(cluster)
    pods = [] if operator is None else operator.pods()
    statuses = [
        status
        for pod in pods
        for status in cast("list[JsonObject]", member(pod, "status", "containerStatuses") or [])
    ]
    return sum(cast("int", status["restartCount"]) for status in statuses)


if __name__ == "__main__":
    sys.exit(main())
