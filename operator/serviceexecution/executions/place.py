"""What is said of an execution's place among those of its service, and when that is said anew. Pure.

The queue moves with each run that ends. A sentence that followed it would cost a write for each execution that waits,
each time: it is written once, and again when at most half of those that it spoke of are left. The gateway answers with
the place of this moment.
"""

import re
import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

LEAST_RUNS: Final = 5
"""Runs below which nothing is estimated."""
_AHEAD: Final = re.compile(r"\b(\d{1,9}) of this service's executions comes? first")
_NEXT: Final = "It is the next of this service's executions"
_LONGEST: Final = 10 * 365 * 86_400
"""Seconds; what is further away is no estimate."""


def place_detail(ahead: int, concurrency: int, past: Sequence[float], now: datetime) -> str:
    """Return how many come first, and when it is the execution's turn by how long the service's last runs took."""
    come = "comes" if ahead == 1 else "come"
    place = f"{ahead} of this service's executions {come} first" if ahead else _NEXT
    detail = f"{place}; its concurrency is {concurrency}."
    turn = _turn(ahead, concurrency, past)
    if turn is None:
        return detail
    earliest, latest = (f"{now + timedelta(seconds=seconds):%Y-%m-%d %H:%M}" for seconds in turn)
    return f"{detail} By its last {len(past)} runs it starts between {earliest} and {latest} UTC."


def has_moved(said: str, now: str) -> bool:
    """Tell whether at most half of those that a sentence spoke of still come first; of one it is not worth a write."""
    then, left = _ahead(said), _ahead(now)
    return then is not None and left is not None and then > 1 and left * 2 <= then


def _ahead(said: str) -> int | None:
    """Return how many come first by a sentence; None when it says nothing of that."""
    if _NEXT in said:
        return 0
    found = _AHEAD.search(said)
    return None if found is None else int(found[1])


def _turn(ahead: int, concurrency: int, past: Sequence[float]) -> tuple[float, float] | None:
    """Return in how many seconds it starts, at the earliest and at the latest, by the middle half of the last runs.

    When those that run now have begun is not asked: they end at once, or take a whole run.
    """
    if len(past) < LEAST_RUNS:
        return None
    lower, _, upper = statistics.quantiles(past, n=4, method="inclusive")
    rounds = ahead // concurrency
    earliest, latest = rounds * lower, (rounds + 1) * upper
    return (earliest, latest) if latest <= _LONGEST else None
