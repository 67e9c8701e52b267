"""Reads that lag behind, and watches that drop, double or delay what they tell."""

from collections.abc import Callable
from typing import Final

from tests.faults.campaign import Checkers, Ran, run
from tests.faults.installation import SINCE_CREATION, Installation
from tests.faults.outcome import differences
from tests.faults.plan import FaultPlan, Strike
from tests.faults.scenarios import Scenario
from tests.faults.tally import Tally

LAGS: Final = (1, 3, 8, SINCE_CREATION)
"""By how many changes the lists of a controller that has just started are behind."""
FATES: Final = {"dropped": 0, "doubled": 2, "late": -4}
"""How often an event is told; a negative number is by how many rounds it is late."""


async def lagging_restarts(scenario: Scenario, checkers: Checkers, lag: int) -> Tally:
    """Kill the controller after each of its writes, and let the next one begin ``lag`` changes in the past."""
    plain = await run(scenario, FaultPlan(), checkers)
    tally = Tally(scenario.name)

    def lag_behind(one: Installation) -> None:
        one.lag = lag

    for write in plain.writes:
        if write.process != "controller":
            continue
        ran = await run(scenario, FaultPlan(write, Strike.KILLED_AFTER), checkers, disturb=lag_behind)
        tally.in_the_past += 1
        tally.wrong += _wrong(f"{lag} behind after {write}", plain, ran)
    return tally


async def with_fate(scenario: Scenario, checkers: Checkers, times: int, *, every: int = 1) -> Tally:
    """Let one event at a time, or one in ``every``, have that fate, and then all of them."""
    plain = await run(scenario, FaultPlan(), checkers)
    tally = Tally(scenario.name)
    for number in (*range(1, plain.events + 1, every), None):
        ran = await run(scenario, FaultPlan(), checkers, disturb=_fate_of(number, times))
        tally.events += 1
        what = "all events" if number is None else f"event {number}"
        tally.wrong += _wrong(f"{what} told {times} times", plain, ran)
    return tally


def _fate_of(number: int | None, times: int) -> Callable[[Installation], None]:
    def disturb(one: Installation) -> None:
        one.news.fate = lambda n: times if number in {None, n} else 1

    return disturb


def _wrong(what: str, plain: Ran, ran: Ran) -> list[str]:
    return [f"{what}: {text}" for text in (*ran.faults, *differences(plain.outcome, ran.outcome))]
