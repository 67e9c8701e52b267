"""Killed before and after any write, with its request or its answer lost: the end is that of an undisturbed run.

Here all writes of the plain run and a sample of the others; ``make faults`` has them all.
"""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from serviceexecution.schemas.checker import SchemaChecker
from tests.faults.campaign import Checkers, run, strike_all
from tests.faults.disturbances import FATES, lagging_restarts, with_fate
from tests.faults.installation import SINCE_CREATION
from tests.faults.plan import FaultPlan, Strike
from tests.faults.scenarios import SCENARIOS

_OTHERS = {one.name: one for one in SCENARIOS[1:]}
_STEP = 37
"""Of the runs of each other scenario one in so many is made."""


@pytest.fixture
async def checkers() -> AsyncIterator[Checkers]:
    """Return the worker processes that all lives of a test share."""
    found = SchemaChecker(), SchemaChecker(says_values=False)
    yield found
    for checker in found:
        await checker.close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of lines of logs take longer than what they tell of."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("strike", [one for one in Strike if one is not Strike.REQUEST_LOST])
async def test_a_plain_run_ends_the_same_whichever_write_fails(checkers: Checkers, strike: Strike) -> None:
    tally = await strike_all(SCENARIOS[0], checkers, strikes=(strike,))
    assert tally.wrong == []
    assert tally.missed == 0
    assert tally.struck == tally.writes > 15


@pytest.mark.parametrize("name", _OTHERS)
async def test_a_sample_of_the_other_scenarios_ends_the_same(checkers: Checkers, name: str) -> None:
    first = sorted(_OTHERS).index(name)
    tally = await strike_all(_OTHERS[name], checkers, chosen=lambda number: number % _STEP == first)
    assert tally.wrong == []
    assert tally.struck > 0


@pytest.mark.parametrize("lag", [3, SINCE_CREATION])
async def test_a_controller_that_starts_with_lists_of_the_past_starts_no_second_program(
    checkers: Checkers, lag: int
) -> None:
    tally = await lagging_restarts(_OTHERS["applied without a service"], checkers, lag)
    assert tally.wrong == []


@pytest.mark.parametrize("fate", FATES)
async def test_events_of_watches_may_be_dropped_doubled_and_late(checkers: Checkers, fate: str) -> None:
    tally = await with_fate(SCENARIOS[0], checkers, FATES[fate], every=5)
    assert tally.wrong == []


async def test_two_undisturbed_runs_are_equal(checkers: Checkers) -> None:
    first, second = [await run(SCENARIOS[0], FaultPlan(), checkers) for _ in range(2)]
    assert first == second
