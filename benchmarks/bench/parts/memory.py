"""What controller and gateway hold of thousands of executions: resident memory of processes that were told of them."""

import json
import os
import subprocess
import sys
from typing import Final

from benchmarks.bench.outcome import Bar, Outcome
from benchmarks.bench.size import Size

_MIB: Final = 2**20
_MOST_MIB: Final = 200


def run(size: Size) -> Outcome:
    """Measure; no cluster is needed."""
    found = Outcome(("process", "live", "kept", "MiB", "of it at the start"))
    plans = [("controller", 0, 0), ("controller", size.live, 0), ("controller", size.live, size.kept)]
    plans += [("gateway", 0, 0), ("gateway", 0, size.kept_of_gateway)]
    series: dict[str, list[tuple[float, float]]] = {}
    for process, live, kept in plans:
        resident, at_start = _hold(process, live, kept)
        found.row(process, f"{live:,}", f"{kept:,}", resident, at_start)
        series.setdefault(f"{process}, MiB", []).append((live + kept, resident))
    found.series = series
    of_controller, of_gateway = series["controller, MiB"][-1][1], series["gateway, MiB"][-1][1]
    found.bars = [
        Bar(f"controller with {size.live:,} live and {size.kept:,} kept", of_controller, _MOST_MIB, "MiB"),
        Bar(f"gateway with {size.kept_of_gateway:,} kept of 60 KiB schemas", of_gateway, _MOST_MIB, "MiB"),
    ]
    return found


def _hold(process: str, live: int, kept: int) -> tuple[float, float]:
    """Return MiB in the end and after the imports."""
    command = [sys.executable, "-m", "benchmarks.bench.stage.holding", process, str(live), str(kept)]
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}  # As the images have it
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    said = json.loads(done.stdout)
    if said["known"] != live + kept:
        raise RuntimeError(f"the {process} knows {said['known']} of {live + kept} executions")
    return said["resident"] / _MIB, said["imported"] / _MIB
