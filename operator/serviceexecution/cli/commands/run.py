"""``sx run``."""

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from serviceexecution.cli.console import note, note_output, say, say_json, say_output
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.listing.shown import document
from serviceexecution.cli.options import (
    ContextOption,
    DetachOption,
    GatewayOption,
    NamespaceOption,
    Output,
    OutputOption,
    QuietOption,
    RawOption,
    ServiceArgument,
    TimeoutOption,
    seconds_of,
)
from serviceexecution.cli.terminal import visible_line

if TYPE_CHECKING:
    from serviceexecution.cli.run.result import Outcome
    from serviceexecution.cli.session import Session
    from serviceexecution.cli.summaries import ExecutionSummary


MOST_AT_ONCE: Final = 20
"""Of the lines of a sweep, unless --max says otherwise."""


class Again(StrEnum):
    """What of a sweep runs once more."""

    ALL = "all"
    FAILED = "failed"


def run(
    service: ServiceArgument,
    data: Annotated[
        str,
        typer.Option(
            "--data",
            "-d",
            metavar="JSON|@FILE|-",
            help="The input, a JSON object: @FILE, - for standard input, or the text.",
        ),
    ] = "",
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="NAME=VALUE",
            help="A property of the input: NAME=VALUE, NAME=@FILE or NAME:=JSON; NAME may be OUTER.INNER.",
        ),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="NAME=VALUE",
            help="NAME=@FILE, NAME=VALUE, or NAME, which is taken from SECRET_NAME or asked for; only the program "
            "sees it.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="TAG", help="Tag of the execution, to find it by; may be given several times."
        ),
    ] = None,
    detach: DetachOption = False,
    each: Annotated[
        Path | None,
        typer.Option(
            "--each",
            metavar="FILE",
            help="Run once for each line of this file: JSON lines, or .csv.",
            dir_okay=False,
        ),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(
            "--max",
            metavar="NUMBER",
            help=f"With --each: how many run at the same time; {MOST_AT_ONCE} by default.",
            min=1,
            max=1000,
        ),
    ] = None,
    again: Annotated[
        Again | None,
        typer.Option("--again", help="With --each: run all lines again, or those that have not succeeded."),
    ] = None,
    output: OutputOption = Output.TABLE,
    quiet: QuietOption = False,
    raw: RawOption = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    timeout: TimeoutOption = "",
) -> None:
    """Run a service. Phases and log go to stderr, only the result goes to stdout.

    With -i the input is made of properties, each of the type that the service's schema says. With --each the service
    runs once for each line of a file; the same command goes on where an earlier one was ended.

    The exit code is 4 when the execution failed, 5 when it was cancelled, 3 when the service's build failed, 124 after
    --timeout; the execution keeps running then.

    \b
    Examples:
      sx run plot -d @input.json
      sx run plot -i degree=2 -i title="A parabola" -i data=@points.json
      sx run plot -d '{"data": {"values": [1, 2, 3]}}' | jq .sum
      echo '{}' | sx run plot -d - --secret api_token=@token.txt --tag nightly
      id=$(sx run plot -d @input.json --detach) && sx logs "$id" -f
      sx run plot --each inputs.jsonl --max 20
    """
    from serviceexecution.cli.run.execute import submit
    from serviceexecution.cli.run.preparing import Given, prepare
    from serviceexecution.cli.session import open_session

    seconds = seconds_of(timeout, option="--timeout")
    given = Given(data, properties or (), secret or (), tag or ())
    for option, given_with_it in (("--again", again), ("--max", most)):
        if each is None and given_with_it is not None:
            raise CommandError(f"{option} belongs to --each.", code=ExitCode.USAGE)
    with open_session(context, namespace, gateway) as session:
        if each is not None:
            from serviceexecution.cli.commands.sweeps import Wish, run_sweep

            wish = Wish(each, most or MOST_AT_ONCE, again, output, seconds=seconds, quiet=quiet)
            run_sweep(session, service, given, wish)
            return
        execution = submit(session, service, prepare(session, service, given).body)
        if detach:
            say_id(execution, output)
            return
        stay(session, service, execution, output, seconds=seconds, quiet=quiet, raw=raw)


def say_id(execution: str, output: Output) -> None:
    """Print the id of an execution that was started."""
    if output is Output.JSON:
        say_json({"id": execution})
    else:
        say(execution)


def stay(
    session: "Session",
    service: str,
    execution: str,
    output: Output,
    *,
    seconds: float | None,
    quiet: bool,
    raw: bool,
) -> None:
    """Show phases and log of an execution until its end, then its result; raises CommandError."""
    from serviceexecution.cli.run.execute import Follower
    from serviceexecution.cli.run.result import ServiceOutcome
    from serviceexecution.cli.watching import WaitedTooLongError

    outcome = ServiceOutcome(session.service_client(service), execution)
    show: Callable[[str], None] = (lambda _: None) if quiet else note
    show_line: Callable[[str], None] = (lambda _: None) if quiet else partial(note_output, raw=raw)
    show(f"Execution {execution}")
    place = f"{execution}{session.flags}"
    back = f"Come back with: sx logs {place} -f; end it with: sx cancel {place}"
    try:
        ended = Follower(session, outcome, show, show_line).follow(service, execution, seconds=seconds)
    except WaitedTooLongError:
        raise CommandError(
            f"It takes longer than --timeout and continues in the cluster. {back}", code=ExitCode.TIMEOUT
        ) from None
    except KeyboardInterrupt:
        note(f"\nThe execution continues. {back}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    if output is Output.JSON:
        from serviceexecution.cli.run.ending import refuse_unsuccessful
        from serviceexecution.cli.run.result import outcome_document

        result = outcome_document(outcome) if ended.phase == "Succeeded" else {}
        say_json({**document(ended), **result})
        refuse_unsuccessful(ended, outcome)
        return
    _finish(outcome, ended, place, show, raw=raw)


def _finish(
    outcome: "Outcome", ended: "ExecutionSummary", place: str, show: Callable[[str], None], *, raw: bool
) -> None:
    from serviceexecution.cli.run.ending import refuse_unsuccessful
    from serviceexecution.cli.run.result import MAIN_RESULTS, main_result

    refuse_unsuccessful(ended, outcome)
    files = outcome.files()
    text = main_result(outcome, files)
    if text is not None:
        say_output(text.rstrip("\n"), raw=raw)
    others = [name for name in files if name not in MAIN_RESULTS]
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        shown = ", ".join(visible_line(name) for name in others[:5]) + more
        show(f"Output files: {shown}. Download them with: sx result {place} -o DIR")
