"""What a person sees: answers on stdout, all else on stderr, so that ``sx … | jq`` works."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence

from serviceexecution.contract.json_types import JsonValue


def say(text: str = "") -> None:
    """Print an answer."""
    print(text, flush=True)


def note(text: str) -> None:
    """Print what is going on."""
    print(text, file=sys.stderr, flush=True)


def say_json(value: JsonValue) -> None:
    """Print an answer as JSON."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def say_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, never wrapped: whoever pipes it on wants a row to be a line."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        say("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


@contextlib.contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how much of ``total`` bytes has gone, on a terminal alone; gives what to tell it to."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)
