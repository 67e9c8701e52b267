"""Starts of a Python project, with the launcher and as its library starts alone: ``python -m benchmarks.starting``.

Both are processes under the library's own environment, in turns; each figure is the median, and the quickest, of wall
time and of processor time. The difference is what the launcher costs.
"""

import argparse
import statistics

from rich.console import Console
from rich.table import Table

from tests.support.launcher.case import LIBRARIES
from tests.support.launcher.starts import measure


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--starts", type=int, default=40)
    starts = parser.parse_args().starts
    table = Table("library", "start", "wall: median", "quickest", "processor: median", "quickest")
    for library in LIBRARIES:
        measured = measure(library, starts)
        for name, one in zip(("launcher", "alone"), measured, strict=True):
            figures = [
                statistics.median(one.wall),
                min(one.wall),
                statistics.median(one.processor),
                min(one.processor),
            ]
            table.add_row(library, name, *(f"{figure:.0f} ms" for figure in figures))
    Console().print(table)


if __name__ == "__main__":
    main()
