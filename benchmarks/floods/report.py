"""The tables of ``make floods``."""

import sys
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.floods.outcome import NOISE_MILLISECONDS, RATIO, Outcome
from benchmarks.floods.plans import PLANS

_WIDTH: Final = 170
_TITLE: Final = f"""\
The witness's p99 in ms: alone → beside the attack → [beside as many plain objects of Kubernetes, made without us].
It may be {RATIO:.0f} times as much as alone, or {NOISE_MILLISECONDS:.0f} ms more."""
_LOADS_TITLE: Final = """\
The attackers. They compute while nobody else on the machine does (SCHED_IDLE, nice 19), as if they had machines of
their own. One that is weaker than its least strength shows nothing, and is a failed run."""


def report(outcomes: list[Outcome]) -> None:
    """Print the tables."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    calls = sorted({what for one in outcomes for what in one.quiet.latencies})
    table = Table("attack", *calls, "failures of the witness", "restarts", "")
    loads = Table("attack", "strength (least)", "sent a second (answered)", "processors taken")
    for one in outcomes:
        failures = ", ".join(f"{what}: {count}" for what, count in one.failures.items()) or "none"
        cells = [_cell(one, what) for what in calls]
        table.add_row(one.name, *cells, failures, str(one.restarts), one.verdict)
        plan, taken = PLANS[one.name], one.load.processors.items()
        strength = f"{one.load.strength(plan.strength):.1f} ({plan.least:g}) {plan.strength}"
        loads.add_row(
            one.name, strength, str(one.load), ", ".join(f"{who} {share:.2f}" for who, share in taken)
        )
    for title, one_table in ((_TITLE, table), (_LOADS_TITLE, loads)):
        console.print(title, markup=False, highlight=False)
        console.print(one_table)


def line(outcome: Outcome) -> str:
    """Return one attack in a line, for who waits."""
    cells = ", ".join(f"{what} {_cell(outcome, what)}" for what in outcome.quiet.latencies)
    return f"{outcome.name}: {outcome.verdict} ({cells})"


def _cell(outcome: Outcome, what: str) -> str:
    if what not in outcome.quiet.latencies:
        return ""
    text = f"{outcome.quiet.p99(what):.0f} → {outcome.flooded.p99(what):.0f}"
    return text if outcome.control is None else f"{text} \\[{outcome.control.p99(what):.0f}]"
