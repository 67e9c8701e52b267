"""Executions and builds while things fail at random: ``python -m benchmarks.chaos [--seed N] [--seconds N]``.

On the embedded cluster that SX_CLUSTER_NAME names, which nobody else should use meanwhile. At the end the table of what
must never be: executions that are stuck or ended wrongly, programs that ran twice, outputs and logs that are not
exact. The exit status is 1 when any of it is not zero.
"""

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.chaos.faults import Faults
from benchmarks.chaos.journal import Journal
from benchmarks.chaos.judgement import Broken, Verdict, judge
from benchmarks.chaos.plan import Fault, Submission, make_plan
from benchmarks.chaos.programs import BUILD, PROGRAMS
from benchmarks.chaos.world import World
from cluster.node.namespaces import link_of
from cluster.settings import GATEWAY_NODE_PORT, instance
from tests.support.cluster import Cluster
from tests.support.gateway import Gateway
from tests.support.operator import Operator

_SETTLING: Final = 900
"""Seconds after the last fault within which everything must have ended."""
_EVERY_EXECUTION: Final = 4.0
_EVERY_FAULT: Final = 8.0
"""Seconds between two, on average, when nothing else is asked for."""


@dataclass
class Outcome:
    """What came of a run."""

    inflicted: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    """How much of it was on each node."""
    ends: Counter[str] = field(default_factory=Counter)
    broken: dict[Broken, list[str]] = field(default_factory=lambda: {kind: [] for kind in Broken})
    never_written: int = 0
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Tell whether nothing was that must never be."""
        return not any(self.broken.values())

    def add(self, submission: Submission, end: str, verdict: Verdict) -> None:
        """Count one execution or build."""
        self.ends[f"{submission.kind}: {end}"] += 1
        self.never_written += verdict.never_written
        for kind, sentence in verdict.faults.items():
            self.broken[kind].append(f"{submission.name} ({submission.kind}): {sentence}")


def main() -> int:
    """Return 1 when something was that must never be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same plan")
    parser.add_argument("--seconds", type=float, default=120, help="how long things fail")
    parser.add_argument("--executions", type=int, help="how many are submitted; one every 4 s by default")
    parser.add_argument("--faults", type=int, help="how many things fail; one every 8 s by default")
    parser.add_argument("--output", type=Path, help="write the outcome as JSON to this file")
    arguments = parser.parse_args()
    plan = make_plan(
        arguments.seed,
        arguments.seconds,
        executions=arguments.executions or max(1, int(arguments.seconds / _EVERY_EXECUTION)),
        faults=arguments.faults if arguments.faults is not None else int(arguments.seconds / _EVERY_FAULT),
    )
    outcome = run(plan)
    print(f"seed {arguments.seed}, {outcome.seconds:.0f} s")
    report(outcome)
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(_figures(outcome), indent=2) + "\n")
    return 0 if outcome.is_good else 1


def run(plan: tuple[Submission | Fault, ...]) -> Outcome:
    """Do what the plan says, wait until everything has ended, and judge it."""
    place = instance()
    link = link_of(place)
    if link is None:
        sys.exit("error: the embedded cluster is down; run: make up")
    cluster = Cluster(str(place.kubeconfig))
    outcome, begun = Outcome(), time.monotonic()
    gateway, faults = Gateway(f"http://{link.node}:{GATEWAY_NODE_PORT}"), Faults(place, cluster)
    submissions = tuple(step for step in plan if isinstance(step, Submission))
    with Journal(link.host) as journal:
        world = World(cluster, gateway, journal, faults.runtime_deaths)
        try:
            _play(plan, world, faults, outcome)
            _settle(world, submissions)
            for submission in submissions:
                outcome.add(submission, *_judged(world, submission))
        finally:
            faults.mend_all()
            world.sandbox.close()
            operator = Operator.find(cluster)
            if operator is not None:
                operator.wait_until_ready(seconds=300)
    outcome.seconds = time.monotonic() - begun
    return outcome


def _play(plan: tuple[Submission | Fault, ...], world: World, faults: Faults, outcome: Outcome) -> None:
    begun, waiting = time.monotonic(), list[Future[None]]()

    def at(moment: float) -> None:
        time.sleep(max(0.0, begun + moment - time.monotonic()))

    def submit(submission: Submission) -> None:
        world.submit(submission)
        if submission.kind != BUILD and PROGRAMS[submission.kind].is_cancelled:
            time.sleep(submission.cancelled_after)
            world.cancel(submission.name)

    def fail(fault: Fault) -> None:
        where = faults.inflict(fault)
        outcome.inflicted[fault.kind if where else f"{fault.kind} (there was none)"] += 1
        if where:
            outcome.places[where] += 1

    try:
        with ThreadPoolExecutor(64) as pool:
            for step in plan:
                at(step.at)
                waiting.append(
                    pool.submit(submit, step) if isinstance(step, Submission) else pool.submit(fail, step)
                )
    finally:
        faults.mend_all()
    for done in waiting:
        done.result()


def _settle(world: World, submissions: tuple[Submission, ...]) -> None:
    end = time.monotonic() + _SETTLING
    while world.unfinished(submissions) and time.monotonic() < end:
        time.sleep(1)


def _judged(world: World, submission: Submission) -> tuple[str, Verdict]:
    if submission.kind == BUILD:
        phase, message = world.built(submission.name)
        if phase == "Succeeded":
            return phase, Verdict({})
        return phase, Verdict({Broken.WRONG if phase else Broken.STUCK: f"{phase}, {message}"})
    seen = world.seen(submission.name)
    return f"{seen.phase}/{seen.reason}", judge(PROGRAMS[submission.kind], seen)


def report(outcome: Outcome) -> None:
    """Print the tables."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    for title, counts in _counts(outcome):
        table = Table(title, "times")
        for what, count in sorted(counts.items()):
            table.add_row(what, str(count))
        console.print(table)
    table = Table("what must never be", "times", "")
    for kind, sentences in outcome.broken.items():
        table.add_row(kind, str(len(sentences)), "ok" if not sentences else "NOT ZERO")
    table.add_row("(lines that a killed containerd never wrote)", str(outcome.never_written), "")
    console.print(table)
    for kind, sentences in outcome.broken.items():
        for sentence in sentences:
            print(f"{kind}: {sentence}")


def _counts(outcome: Outcome) -> tuple[tuple[str, Counter[str]], ...]:
    return (
        ("what failed", outcome.inflicted),
        ("where it failed", outcome.places),
        ("ends", outcome.ends),
    )


def _figures(outcome: Outcome) -> dict[str, object]:
    return {
        "seconds": round(outcome.seconds),
        "failed": dict(outcome.inflicted),
        "failedOn": dict(outcome.places),
        "ends": dict(outcome.ends),
        "neverBe": {kind.value: sentences for kind, sentences in outcome.broken.items()},
        "linesNeverWritten": outcome.never_written,
    }


if __name__ == "__main__":
    sys.exit(main())
