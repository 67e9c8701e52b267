"""``make faults``: everything that can fail, in every scenario; ``python -m tests.faults NAME…`` for some of them."""

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from tests.faults.scenarios import SCENARIOS
from tests.faults.tally import Tally
from tests.faults.whole import whole

_AT_ONCE: Final = 2
_HEAD: Final = ("writes", "struck", "in the past", "events", "wrong", "seconds")


def main() -> int:
    """Run, and print a table; return 1 when anything ended otherwise than it must."""
    names = sys.argv[1:]
    chosen = [one.name for one in SCENARIOS if not names or one.name in names]
    if not chosen:
        print(f"There are these scenarios: {', '.join(one.name for one in SCENARIOS)}.")  # noqa: T201
        return 2
    print(_row("scenario", *_HEAD), flush=True)  # noqa: T201
    found = []
    with ProcessPoolExecutor(_AT_ONCE, mp_context=multiprocessing.get_context("spawn")) as pool:
        for tally in pool.map(whole, chosen):
            found.append(tally)
            for line in _lines(tally):
                print(line, flush=True)  # noqa: T201
    if len(found) > 1:
        print(next(_lines(Tally.sum_of(found))))  # noqa: T201
    return 1 if any(one.wrong for one in found) else 0


def _lines(tally: Tally) -> Iterator[str]:
    counts = tally.writes, tally.struck, tally.in_the_past, tally.events, len(tally.wrong)
    yield _row(tally.scenario, *counts, round(tally.seconds))
    yield from (f"    {text}" for text in tally.wrong)


def _row(name: str, *columns: object) -> str:
    return f"{name:28}" + "".join(f"{column!s:>13}" for column in columns)


if __name__ == "__main__":
    sys.exit(main())
