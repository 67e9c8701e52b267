"""Runs a scenario undisturbed, and then once for each of its writes and for each way in which a write can fail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from serviceexecution.schemas.checker import SchemaChecker
from tests.faults.installation import Installation
from tests.faults.outcome import differences, outcome_of
from tests.faults.plan import FaultPlan, Strike, Write
from tests.faults.scenarios import Scenario, User
from tests.faults.tally import Tally

_QUIET_ROUNDS: Final = 4
_RESYNC: Final = 301
_LEFTOVER: Final = 601

Checkers = tuple[SchemaChecker, SchemaChecker]


@dataclass(frozen=True, slots=True)
class Ran:
    """One run to its end."""

    outcome: dict[str, Any]
    writes: tuple[Write, ...]
    struck: bool
    faults: tuple[str, ...]
    """What must never be, whatever fails."""
    lives: int
    events: int
    """What watches were told."""


async def run(
    scenario: Scenario,
    plan: FaultPlan,
    checkers: Checkers,
    *,
    disturb: Callable[[Installation], None] | None = None,
) -> Ran:
    """Run a scenario to its end."""
    one = Installation(plan, checkers)
    try:
        scenario.prepare(one)
        if disturb is not None:
            disturb(one)
        user = User(one)
        for _ in range(scenario.rounds * (30 if disturb is not None else 1)):
            over = await scenario.step(user)
            await one.round()
            if over:
                break
        else:
            one.faults.append(f"it has not ended: {_phases(one)}")
        for _ in range(_QUIET_ROUNDS):
            await one.round()
        await one.sweep()
        await one.round(_RESYNC)
        await one.sweep()
        await one.round(_LEFTOVER)
        await one.round()
        await one.round()
        outcome = await outcome_of(one)
        one.faults += _broken(one, scenario)
    finally:
        await one.close()
    return Ran(outcome, tuple(plan.writes), plan.struck, tuple(one.faults), one.lives, one.news.number)


async def strike_all(
    scenario: Scenario,
    checkers: Checkers,
    *,
    strikes: tuple[Strike, ...] = tuple(Strike),
    chosen: Callable[[int], bool] = lambda _: True,
) -> Tally:
    """Run it once for each write that is chosen by its number, and for each strike."""
    plain = await run(scenario, FaultPlan(), checkers)
    tally = Tally(
        scenario.name, writes=len(plain.writes), wrong=[f"undisturbed: {text}" for text in plain.faults]
    )
    number = 0
    for write in plain.writes:
        for strike in strikes:
            number += 1
            if not chosen(number):
                continue
            ran = await run(scenario, FaultPlan(write, strike), checkers)
            tally.struck += 1
            tally.missed += not ran.struck
            for text in (*ran.faults, *differences(plain.outcome, ran.outcome)):
                tally.wrong.append(f"{strike} at {write}: {text}")
    return tally


def _phases(one: Installation) -> dict[str, Any]:
    return {name: body.get("status") for name, body in one.executions().items()}


def _broken(one: Installation, scenario: Scenario) -> list[str]:
    """Return what is not as it must be at the end of every run."""
    faults = [
        f"the program of {job} was started {count} times"
        for job, count in one.kubelet.started.items()
        if count > 1
    ]
    for name, expected in scenario.phases.items():
        found = (one.only() or "") if name == "*" else name
        actual = one.phase(found)
        if actual != expected or (expected is None and found in one.executions()):
            faults.append(f"{name} is {actual}, not {expected}")
    left = [f"{key[0]} {key[2]}" for key in one.server.objects if key[0] in {"jobs", "pods"}]
    if left:
        faults.append(f"these are left: {', '.join(sorted(left))}")
    return faults
