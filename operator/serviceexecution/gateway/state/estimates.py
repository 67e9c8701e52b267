"""When an execution that waits will start, by what the last runs of its service took. Pure.

An estimate is a median with its quartiles, or none: with few runs it would be a guess.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.gateway.state.known_execution import KnownExecution
from serviceexecution.gateway.state.queues import PastRun, Queues, waits_for

LEAST_RUNS: Final = 5
"""Runs below which nothing is estimated."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """In how many seconds an execution starts."""

    lower: float
    median: float
    upper: float
    runs: int
    """How many runs it is made from."""


def queue_document(
    execution: KnownExecution, queues: Queues, concurrency: int | None, now: datetime
) -> JsonObject | None:
    """Return what an answer says of an execution's waiting, None when it waits for no others.

    The position is known only where the service's own concurrency decides: which pod a quota has room for, and which
    workload Kueue admits, depends on others than this service's executions.
    """
    what = waits_for(execution)
    if what is None:
        return None
    document: JsonObject = {"waitsFor": what}
    past = queues.past_runs(execution)
    if what == "concurrency":
        position = queues.position(execution)
        document["position"] = position
        if concurrency is None:
            estimate = None
        else:
            estimate = start_in_turn(position, concurrency, queues.running(execution), past, now)
    else:
        estimate = start_as_before(_seconds(execution.created, now), past)
    if estimate is not None:
        document["startsIn"] = {
            "seconds": round(estimate.median),
            "lower": round(estimate.lower),
            "upper": round(estimate.upper),
            "runs": estimate.runs,
        }
    return document


def start_in_turn(
    position: int,
    concurrency: int,
    running: Sequence[tuple[datetime, str]],
    past: Sequence[PastRun],
    now: datetime,
) -> Estimate | None:
    """Return when the one at a position is let in, where ``running`` says since when others run, the longest first.

    Every run takes the same time there, so that they end in this order: one of them decides, however many run.
    """
    quartiles = _quartiles([run.seconds for run in past])
    if quartiles is None:
        return None
    rounds, place = divmod(position - 1, concurrency)
    newest = concurrency - place  # So many of the newest runs end when that place becomes free, or later
    since = _seconds(running[-newest][0], now) if newest <= len(running) else math.inf
    lower, median, upper = (max(0.0, seconds - since) + rounds * seconds for seconds in quartiles)
    return Estimate(lower, median, upper, len(past))


def start_as_before(waited: float, past: Sequence[PastRun]) -> Estimate | None:
    """Return when one starts that has waited for so long, by how long the others have."""
    quartiles = _quartiles([run.waited for run in past])
    if quartiles is None:
        return None
    lower, median, upper = (max(0.0, seconds - waited) for seconds in quartiles)
    return Estimate(lower, median, upper, len(past))


def _quartiles(values: Sequence[float]) -> tuple[float, float, float] | None:
    if len(values) < LEAST_RUNS:
        return None
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, median, upper


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
