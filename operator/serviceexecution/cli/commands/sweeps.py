"""``sx run --each``: a service once for each line of a file, and one table at the end."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from serviceexecution.cli.commands.run import Again
from serviceexecution.cli.console import note, say_json, say_table
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.options import Output
from serviceexecution.cli.run.preparing import Given, prepare
from serviceexecution.cli.run.result import ServiceOutcome, outcome_document
from serviceexecution.cli.run.sweep import Line, Sweep, open_sweep, read_lines
from serviceexecution.cli.run.sweeping import Sweeping
from serviceexecution.contract.json_types import JsonObject

if TYPE_CHECKING:
    from serviceexecution.cli.session import Session


@dataclass(frozen=True, slots=True)
class Wish:
    """The options that only a sweep has."""

    file: Path
    most: int
    again: Again | None
    output: Output
    seconds: float | None
    quiet: bool


def run_sweep(session: "Session", service: str, given: Given, wish: Wish) -> None:
    """Run the lines that have not ended, print how all have, and end with the code of the worst."""
    prepared = prepare(session, service, given)
    texts = read_lines(wish.file, prepared.text, prepared.schema)
    place = f"{session.api.http.base_url}{session.namespace}"
    sweep = open_sweep(wish.file, texts, service=service, place=place, anew=wish.again is Again.ALL)
    if wish.again is Again.FAILED:
        for line in sweep.lines:
            if line.has_ended and line.phase != "Succeeded":
                line.forget()
                sweep.remember(line)
    show = (lambda _: None) if wish.quiet else note
    show(f"Sweep {sweep.tag}; remembered in {sweep.path}")
    work = Sweeping(session, service, sweep, wish.most, prepared.secrets, prepared.tags, show)
    try:
        finished = work.run(wish.seconds)
    except KeyboardInterrupt:
        note(f"\n{_back(session, sweep)}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    _print(session, service, sweep, wish.output)
    if not finished:
        raise CommandError(f"It takes longer than --timeout. {_back(session, sweep)}", code=ExitCode.TIMEOUT)
    raise typer.Exit(_code(sweep))


def _back(session: "Session", sweep: Sweep) -> str:
    started = sum(1 for line in sweep.lines if line.execution and not line.has_ended)
    continue_there = "1 execution continues" if started == 1 else f"{started} executions continue"
    return (
        f"{continue_there} in the cluster. The same command goes on; sx list --tag {sweep.tag}"
        f"{session.flags} shows them."
    )


def _code(sweep: Sweep) -> ExitCode:
    phases = {line.phase for line in sweep.lines}
    if phases == {"Succeeded"}:
        return ExitCode.SUCCEEDED
    return ExitCode.CANCELLED if phases <= {"Succeeded", "Cancelled"} else ExitCode.EXECUTION_FAILED


def _print(session: "Session", service: str, sweep: Sweep, output: Output) -> None:
    if output is Output.JSON:
        say_json([_document(session, service, line) for line in sweep.lines])
        return
    rows = [
        (
            str(line.number),
            line.execution,
            line.phase or "Waiting",
            "" if line.seconds is None else f"{line.seconds:.0f}s",
            line.message,
        )
        for line in sweep.lines
    ]
    say_table(("LINE", "ID", "PHASE", "DURATION", "MESSAGE"), rows)


def _document(session: "Session", service: str, line: Line) -> JsonObject:
    shown: JsonObject = {
        "line": line.number,
        "id": line.execution or None,
        "phase": line.phase or "Waiting",
        "message": line.message or None,
        "seconds": line.seconds,
    }
    if line.phase != "Succeeded":
        return shown
    return shown | outcome_document(ServiceOutcome(session.service_client(service), line.execution))
