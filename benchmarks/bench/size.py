"""How much a part does."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of one run of the benchmark."""

    repeats: int = 5
    runs: int = 100
    """Executions, and plain Jobs, in each repeat."""
    at_once: int = 10
    runs_on_node: int = 40
    """The same, on a real node."""
    one_by_one: int = 5
    """Of which the latency is measured in each repeat."""
    program_seconds: float = 1.0
    """How long a program runs on the stand-in node."""
    queued: int = 2_000
    long_queue: int = 5_000
    kept: int = 20_000
    live: int = 5_000
    kept_of_gateway: int = 50_000
    requests: int = 20_000


FULL: Final = Size()
SHORT: Final = Size(
    repeats=1,
    runs=40,
    runs_on_node=10,
    one_by_one=2,
    queued=300,
    long_queue=600,
    kept=2_000,
    live=500,
    kept_of_gateway=3_000,
    requests=3_000,
)
