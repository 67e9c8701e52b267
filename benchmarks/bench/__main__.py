"""What an execution costs beside a plain Job: ``python -m benchmarks.bench [PART …] [--short]``.

Prints tables, and writes figures and bars to a file. Every figure is a ratio in one run, a count, CPU time of a process
per execution, or bytes: none depends on how fast or how busy the machine is, as far as that can be.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.bench.outcome import Outcome
from benchmarks.bench.parts import collector, gateway, memory, plain, queue, real_node
from benchmarks.bench.size import FULL, SHORT, Size
from serviceexecution.contract.json_types import JsonObject

PARTS: Final[dict[str, Callable[[Size], Outcome]]] = {
    "plain": plain.run,
    "queue": queue.run,
    "memory": memory.run,
    "collector": collector.run,
    "gateway": gateway.run,
    "node": real_node.run,
}
_ON_A_CLUSTER: Final = frozenset({"node"})
"""Parts that need the embedded cluster, and are run by name only."""
_RESULTS: Final = Path("docs/benchmarks/latest.json")
_WIDTH: Final = 150


def main() -> int:
    """Return 1 when a part has failed. A bar that is not met is a result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"all but node by default: {', '.join(PARTS)}")
    parser.add_argument("--short", action="store_true", help="much less of everything, to see that it works")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="JSON file that gets the figures")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    size = SHORT if arguments.short else FULL
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    for name in arguments.parts or [name for name in PARTS if name not in _ON_A_CLUSTER]:
        console.print(f"[bold]{name}[/bold]")
        outcome = PARTS[name](size)
        _show(console, outcome)
        _write(arguments.results, name, outcome, short=arguments.short)
    return 0


def _show(console: Console, outcome: Outcome) -> None:
    table = Table(*outcome.columns)
    for row in outcome.rows:
        table.add_row(*row)
    console.print(table)
    for note in outcome.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    bars = Table("bar", "found", "", "wanted", "")
    for bar in outcome.bars:
        sign = "at least" if bar.at_least else "at most"
        bars.add_row(
            bar.name, f"{bar.value:,.4g} {bar.unit}", sign, f"{bar.bar:g}", "met" if bar.met else "NOT MET"
        )
    console.print(bars)


def _write(file: Path, name: str, outcome: Outcome, *, short: bool) -> None:
    """Put a part's figures into the file, in place of its earlier ones; those of other parts stay."""
    known: JsonObject = json.loads(file.read_text()) if file.is_file() else {"parts": {}, "bars": []}
    parts, bars = known["parts"], known["bars"]
    if not isinstance(parts, dict) or not isinstance(bars, list):
        sys.exit(f"error: {file} holds no results of this benchmark; delete it.")
    machine = f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"
    parts[name] = {"when": time.strftime("%Y-%m-%d"), "short": short, "machine": machine, **outcome.to_json()}
    others = [bar for bar in bars if isinstance(bar, dict) and bar.get("part") != name]
    known["bars"] = [*others, *({"part": name, **bar.to_json()} for bar in outcome.bars)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
