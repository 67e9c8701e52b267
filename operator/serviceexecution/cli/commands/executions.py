"""``sx status``, ``sx logs``, ``sx result`` and ``sx cancel``: executions, however they were started."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from serviceexecution.cli.console import note, say, say_json, say_output, say_table
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.listing.selection import Selection, newest_first
from serviceexecution.cli.listing.shown import Form, document, say_executions
from serviceexecution.cli.log_choice import (
    GrepOption,
    LogChoice,
    LogSinceOption,
    TailOption,
    TimestampsOption,
)
from serviceexecution.cli.options import (
    ContextOption,
    ExecutionArgument,
    GatewayOption,
    KeyIdOption,
    KeySecretOption,
    NamespaceOption,
    Output,
    OutputOption,
    RawOption,
    ServiceOption,
    ServiceUrlOption,
    TokenOption,
)
from serviceexecution.cli.summaries import ExecutionSummary, execution_summary, shown_seconds
from serviceexecution.cli.terminal import visible_line
from serviceexecution.contract.json_types import JsonObject, JsonValue

if TYPE_CHECKING:
    from serviceexecution.cli.run.result import Outcome

_NEWEST: Final = 25


def status(
    execution: Annotated[
        str,
        typer.Argument(metavar="ID", help="One execution; without it the newest ones.", show_default=False),
    ] = "",
    service: ServiceOption = "",
    show_all: Annotated[
        bool, typer.Option("--all", "-a", help="Show all executions, not only the newest 25.")
    ] = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show the newest executions of the namespace, or one execution.

    \b
    Examples:
      sx status --service plot
      sx status 5f0c… -o json | jq .reason
    """
    from serviceexecution.cli.queue import queue_line
    from serviceexecution.cli.session import open_session
    from serviceexecution.kube.kinds import SERVICE_EXECUTIONS

    queue = ""
    with open_session(context, namespace, gateway) as session:
        if execution:
            found = [session.execution(execution)]
            queue = queue_line(session, found[0]) if output is Output.TABLE else ""
        else:
            wanted = Selection(service=service).field_selector
            items = session.api.list(SERVICE_EXECUTIONS, session.namespace, field_selector=wanted)
            found = newest_first(map(execution_summary, items))
            found = found if show_all else found[:_NEWEST]
    if output is Output.JSON:
        say_json(document(found[0]) if execution else [document(view) for view in found])
    elif execution:
        _describe(found[0], queue)
    elif not found:
        note(f"There are no executions in namespace {session.namespace}; start one with: sx run SERVICE")
    else:
        say_executions(found, Form.TABLE)


def logs(
    execution: ExecutionArgument,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Follow the log until the program ends.")
    ] = False,
    attempt: Annotated[
        int | None,
        typer.Option(
            "--attempt",
            metavar="NUMBER",
            min=1,
            max=99,
            help="The log of this attempt, counted from 1; else of the last.",
        ),
    ] = None,
    since: LogSinceOption = "",
    tail: TailOption = None,
    grep: GrepOption = "",
    timestamps: TimestampsOption = False,
    raw: RawOption = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    url: ServiceUrlOption = "",
    token: TokenOption = "",
    key_id: KeyIdOption = "",
    key_secret: KeySecretOption = "",
) -> None:
    """Print the log of an execution. With -f, follow it, also across broken connections.

    --since and --grep choose lines; --tail takes the last ones of them.

    \b
    Examples:
      sx logs 5f0c… -f
      sx logs 5f0c… --grep '(?i)error' --tail 20 --timestamps
    """
    choice = LogChoice.of(since, tail, grep, timestamps=timestamps)
    with _opened(execution, (context, namespace, gateway), url, (token, key_id, key_secret)) as (outcome, _):
        number = attempt or 0
        try:
            if follow:
                lines = choice.followed(
                    lambda: outcome.log(number, timed=choice.needs_times), outcome.follow_log(number)
                )
            else:
                lines = choice.chosen(outcome.log(number, timed=choice.needs_times))
            for line in lines:
                say_output(line, raw=raw)
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None


def result(
    execution: ExecutionArgument,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--directory",
            "-o",
            metavar="DIR",
            help="Download all output files into this folder.",
            file_okay=False,
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until a running execution ends.")
    ] = True,
    raw: RawOption = False,
    output: Annotated[
        Output,
        typer.Option("--output", help="How to print the answer; json is the execution with its result."),
    ] = Output.TABLE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    url: ServiceUrlOption = "",
    token: TokenOption = "",
    key_id: KeyIdOption = "",
    key_secret: KeySecretOption = "",
) -> None:
    """Print the main result of an execution, or download its files.

    The command waits until the execution has ended. The exit code is 4 when the execution failed, 5 when it was
    cancelled; with -o its files are downloaded either way. Run the same command again to continue a download that
    was interrupted.

    \b
    Examples:
      sx result 5f0c… | jq .sum
      sx result 5f0c… -o results
      sx result 5f0c… --output json | jq .files
    """
    from serviceexecution.cli.run.ending import refuse_unsuccessful, wait_for_end
    from serviceexecution.cli.run.result import main_result, outcome_document

    with _opened(execution, (context, namespace, gateway), url, (token, key_id, key_secret)) as (
        outcome,
        look,
    ):
        ended = wait_for_end(look, patient=wait)
        found: JsonObject = {}
        if directory is not None:
            found = _downloaded(outcome, directory, output)
        elif output is Output.JSON and ended.phase == "Succeeded":
            found = outcome_document(outcome)
        if output is Output.JSON:
            say_json({**document(ended), **found})
        refuse_unsuccessful(ended, outcome)
        if directory is None and output is Output.TABLE:
            text = main_result(outcome, outcome.files())
            if text is None:
                raise CommandError(
                    "The execution succeeded without a main result; download its files with -o DIR."
                )
            say_output(text.rstrip("\n"), raw=raw)


def _downloaded(outcome: "Outcome", directory: Path, output: Output) -> JsonObject:
    """Fetch all files, naming each as it comes; return them for programs."""
    from serviceexecution.cli.sizes import shown_size

    files: list[JsonValue] = []
    for path, size in outcome.download_all(directory):
        files.append({"path": str(directory / path), "bytes": size})
        if output is Output.TABLE:
            say(f"{visible_line(str(directory / path))}  {shown_size(size)}")
    return {"files": files}


def cancel(
    execution: ExecutionArgument,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop an execution. Its log and the files that it has written are kept.

    \b
    Examples:
      sx cancel 5f0c…
    """
    from serviceexecution.cli.session import open_session
    from serviceexecution.kube.kinds import SERVICE_EXECUTIONS

    with open_session(context, namespace, gateway) as session:
        found = session.execution(execution)
        if not found.is_over:
            session.api.patch(
                SERVICE_EXECUTIONS, session.namespace, found.name, {"spec": {"cancel": True}}, manager="sx"
            )
    if output is Output.JSON:
        say_json({**document(found), "cancelling": not found.is_over})
    elif found.is_over:
        say(f"{execution} has ended already: {found.phase}.")
    else:
        say(f"{execution} is being cancelled.")


@contextlib.contextmanager
def _opened(
    execution: str, place: tuple[str, str, str], url: str, credentials: tuple[str, str, str]
) -> "Iterator[tuple[Outcome, Callable[[], ExecutionSummary]]]":
    """Open what reads an execution, and what looks how it stands: by the service's URL where one is given, else by
    the kubeconfig, whose context, namespace and gateway are the ``place``.
    """
    from serviceexecution.cli.run.execute import view_of_status
    from serviceexecution.cli.run.result import ServiceOutcome
    from serviceexecution.cli.service_client import direct_client

    if url:
        with direct_client(url, *credentials) as client:
            yield ServiceOutcome(client, execution), lambda: view_of_status(client.status(execution), "", "")
        return
    from serviceexecution.cli.run.execute import outcome_of
    from serviceexecution.cli.session import open_session

    with open_session(*place) as session:
        found = session.execution(execution)
        yield outcome_of(session, found), lambda: session.execution(found.name)


def _describe(view: ExecutionSummary, queue: str) -> None:
    rows = [
        ("id", view.name),
        ("service", f"{view.service} {view.revision}".strip()),
        ("phase", view.phase),
        ("reason", view.reason),
        ("message", view.message),
        ("queue", queue),
        ("duration", shown_seconds(view.started, view.ended)),
        ("age", shown_seconds(view.created, None)),
    ]
    for name, value in rows:
        if value:
            say(f"{name + ':':<10} {visible_line(value)}")
    if view.attempts:
        say("")
        table = [
            (
                str(one.number),
                one.reason,
                one.exit_code,
                one.node,
                shown_seconds(one.started, one.ended),
                one.memory,
            )
            for one in view.attempts
        ]
        say_table(("ATTEMPT", "REASON", "EXIT", "NODE", "DURATION", "MEMORY"), table)
