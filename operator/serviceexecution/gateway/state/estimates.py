"""When an execution that waits will start, by what the last runs of its service took. Pure.

An estimate is a median with its quartiles, or none: with few runs it would be a guess.
"""

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
        running = [0.0 if since is None else _seconds(since, now) for since in queues.running(execution)]
        estimate = None if concurrency is None else start_in_turn(position, concurrency, running, past)
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
    position: int, concurrency: int, running: Sequence[float], past: Sequence[PastRun]
) -> Estimate | None:
    """Return when the one at a position is let in, where ``running`` are the seconds that others run already."""
    quartiles = _quartiles([run.seconds for run in past])
    if quartiles is None:
        return None
    lower, median, upper = (_turn(position, concurrency, running, seconds) for seconds in quartiles)
    return Estimate(lower, median, upper, len(past))


def start_as_before(waited: float, past: Sequence[PastRun]) -> Estimate | None:
    """Return when one starts that has waited for so long, by how long the others have."""
    quartiles = _quartiles([run.waited for run in past])
    if quartiles is None:
        return None
    lower, median, upper = (max(0.0, seconds - waited) for seconds in quartiles)
    return Estimate(lower, median, upper, len(past))


def _turn(position: int, places: int, running: Sequence[float], seconds: float) -> float:
    """Return when the place is free for which one waits, when every run takes the same time."""
    left = sorted(max(0.0, seconds - since) for since in running)[-places:]
    free = [*[0.0] * (places - len(left)), *left]
    rounds, place = divmod(position - 1, places)
    return free[place] + rounds * seconds


def _quartiles(values: Sequence[float]) -> tuple[float, float, float] | None:
    if len(values) < LEAST_RUNS:
        return None
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, median, upper


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
