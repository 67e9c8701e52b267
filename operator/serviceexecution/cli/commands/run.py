"""``sx run``."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from serviceexecution.cli.console import note, note_output, say, say_output
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.options import (
    ContextOption,
    GatewayOption,
    NamespaceOption,
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


def run(
    service: ServiceArgument,
    data: Annotated[
        str,
        typer.Option(
            "--data", "-d", help="The input, a JSON object: @FILE, - for standard input, or the text."
        ),
    ] = "",
    secret: Annotated[
        list[str] | None,
        typer.Option("--secret", help="NAME=VALUE or NAME=@FILE; only the program sees it."),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Label of the execution.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Print the id at once and do not wait.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither phases nor log.")] = False,
    raw: RawOption = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    timeout: TimeoutOption = "",
) -> None:
    """Run a service once. Phases and log go to stderr, only the result goes to stdout.

    The exit code is 4 when the execution failed, 5 when it was cancelled, 3 when the service's build failed, 124 after
    --timeout; the execution keeps running then.

    \b
    Examples:
      sx run plot -d @input.json
      sx run plot -d '{"data": {"values": [1, 2, 3]}}' | jq .sum
      echo '{}' | sx run plot -d - --secret api_token=@token.txt --tag nightly
      id=$(sx run plot -d @input.json --detach) && sx logs "$id" -f
    """
    from serviceexecution.cli.run.body import read_data, read_secrets, request_body
    from serviceexecution.cli.run.execute import submit
    from serviceexecution.cli.session import open_session

    seconds = seconds_of(timeout, option="--timeout")
    body = request_body(read_data(data), read_secrets(secret or ()), tag or ())
    with open_session(context, namespace, gateway) as session:
        execution = submit(session, service, body)
        if detach:
            say(execution)
            return
        _stay(session, service, execution, seconds=seconds, quiet=quiet, raw=raw)


def _stay(
    session: "Session", service: str, execution: str, *, seconds: float | None, quiet: bool, raw: bool
) -> None:
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
