"""What the second container of each pod takes: CPU from start to end, and memory while it waits."""

from statistics import median
from typing import Final

from benchmarks.bench.outcome import Bar, Outcome
from benchmarks.bench.size import Size
from benchmarks.bench.stage.collecting import collect
from benchmarks.bench.stage.yardstick import Yardstick

_STARTS: Final[dict[str, tuple[str, ...]]] = {
    "as in its image (-I -S)": ("-I", "-S"),
    "without frozen modules": ("-I", "-S", "-X", "frozen_modules=off"),
    "with site packages (-I)": ("-I",),
}
_CPU_MS: Final = 60
_RESIDENT_MIB: Final = 12
_MIB: Final = 2**20
_TIMES: Final = 5


def run(size: Size) -> Outcome:
    """Measure each way of starting Python in turns; no cluster is needed."""
    factor = Yardstick()
    cpu: dict[str, list[float]] = {name: [] for name in _STARTS}
    memory: dict[str, list[float]] = {name: [] for name in _STARTS}
    for _ in range(size.repeats * _TIMES):
        for name, options in _STARTS.items():
            factor.measure()
            taken = collect(options)
            cpu[name].append(taken.cpu * 1000)
            memory[name].append(taken.resident / _MIB)
    found = Outcome(("start of Python", "CPU ms", "MiB"))
    for name in _STARTS:
        found.row(name, median(cpu[name]) * factor.factor, median(memory[name]))
    found.notes.append(f"the yardstick: measured times {factor.factor:.2f}")
    first = next(iter(_STARTS))
    found.bars = [
        Bar("collector's CPU", median(cpu[first]) * factor.factor, _CPU_MS, "ms"),
        Bar("collector's memory", median(memory[first]), _RESIDENT_MIB, "MiB"),
    ]
    return found
