"""All that is done to one scenario, in a process of its own."""

import asyncio
import logging
import time

import structlog

from serviceexecution.schemas.checker import SchemaChecker
from tests.faults.campaign import strike_all
from tests.faults.disturbances import FATES, LAGS, lagging_restarts, with_fate
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.tally import Tally


def whole(name: str) -> Tally:
    """Do all that there is to the scenario of that name."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    scenario = next(one for one in SCENARIOS if one.name == name)
    return asyncio.run(_all_of(scenario))


async def _all_of(scenario: Scenario) -> Tally:
    began = time.monotonic()
    checkers = SchemaChecker(), SchemaChecker(says_values=False)
    try:
        tally = await strike_all(scenario, checkers)
        for lag in LAGS:
            tally.take(await lagging_restarts(scenario, checkers, lag))
        for times in FATES.values():
            tally.take(await with_fate(scenario, checkers, times))
    finally:
        for checker in checkers:
            await checker.close()
    tally.seconds = time.monotonic() - began
    return tally
