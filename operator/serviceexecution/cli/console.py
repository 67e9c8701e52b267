"""What a person sees: answers on stdout, all else on stderr, so that ``sx … | jq`` works.

What sx says never steers a terminal, whoever wrote the names and messages in it. What programs have written, logs and
results, is shown so on a terminal, and goes as it is into files and pipes.
"""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from serviceexecution.cli.tables import table_lines
from serviceexecution.cli.terminal import visible, visible_json, visible_yaml
from serviceexecution.contract.json_types import JsonValue


def take_any_text() -> None:
    """Let the standard streams take every character: files and pipes as UTF-8, as kubectl writes them; a terminal of
    another encoding shows as escapes what it lacks.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def give_up_output() -> None:
    """Throw away what waits for standard output, which nobody can take: Python would try again at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def say(text: str = "") -> None:
    """Print an answer."""
    print(visible(text), flush=True)


def note(text: str) -> None:
    """Print what is going on."""
    print(visible(text), file=sys.stderr, flush=True)


def say_output(text: str, *, raw: bool = False, end: str = "\n") -> None:
    """Print what a program has written, as an answer; ``raw`` also onto a terminal."""
    print(_shown(text, sys.stdout, raw=raw), end=end, flush=True)


def note_output(text: str, *, raw: bool = False) -> None:
    """Print what a program has written, beside the answer; ``raw`` also onto a terminal."""
    print(_shown(text, sys.stderr, raw=raw), file=sys.stderr, flush=True)


def say_json(value: JsonValue) -> None:
    """Print an answer as JSON."""
    print(visible_json(value), flush=True)


def say_yaml(value: JsonValue) -> None:
    """Print an answer as YAML."""
    print(visible_yaml(value), flush=True)


def say_json_line(value: JsonValue) -> None:
    """Print one of many answers as a line of JSON."""
    print(visible_json(value, indent=None), flush=True)


def say_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns."""
    for line in table_lines(headings, rows):
        say(line)


def _shown(text: str, stream: TextIO, *, raw: bool) -> str:
    return visible(text) if stream.isatty() and not raw else text


@contextlib.contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how much of ``total`` bytes has gone, only on a terminal; gives the function that counts them."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)
