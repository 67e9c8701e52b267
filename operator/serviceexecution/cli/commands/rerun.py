"""``sx rerun``: an execution is run again, as it was or with changed members."""

import json
from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.options import (
    ContextOption,
    DetachOption,
    ExecutionArgument,
    GatewayOption,
    NamespaceOption,
    Output,
    OutputOption,
    QuietOption,
    RawOption,
    TimeoutOption,
    seconds_of,
)
from serviceexecution.cli.summaries import execution_summary
from serviceexecution.cli.terminal import visible_line
from serviceexecution.contract.json_text import joined
from serviceexecution.contract.json_types import object_at

if TYPE_CHECKING:
    from serviceexecution.cli.run.properties import Property


def rerun(
    execution: ExecutionArgument,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="NAME=VALUE",
            help="NAME=VALUE, NAME=@FILE or NAME:=JSON: a member that changes.",
        ),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="NAME=VALUE",
            help="NAME=@FILE, NAME=VALUE, or NAME, which is taken from SECRET_NAME or asked for.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="TAG",
            help="Tag of the new execution, in place of the old tags; may be given several times.",
        ),
    ] = None,
    detach: DetachOption = False,
    output: OutputOption = Output.TABLE,
    quiet: QuietOption = False,
    raw: RawOption = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    timeout: TimeoutOption = "",
) -> None:
    """Run an execution again, as it was or changed.

    -i changes members of its input. It runs with the service as it is now. Values of secrets are not kept: those that
    are not given are asked for.

    \b
    Examples:
      sx rerun 5f0c…
      sx rerun 5f0c… -i shots=2000 -i data=@other.json
    """
    from serviceexecution.cli.commands.run import say_id, stay
    from serviceexecution.cli.run.body import missing_secrets, read_secrets
    from serviceexecution.cli.run.preparing import service_schema
    from serviceexecution.cli.run.properties import read_properties
    from serviceexecution.cli.session import open_session

    seconds = seconds_of(timeout, option="--timeout")
    with open_session(context, namespace, gateway) as session:
        stored = session.execution_object(execution)
        found = execution_summary(stored)
        if not found.service:
            raise CommandError(f"{execution} is no execution of a service: run it again with kubectl.")
        changes = []
        if properties:
            changes = read_properties(properties, service_schema(session, found.service))
        needed = object_at(stored, "spec", "secrets")
        secrets = read_secrets(secret or ())
        secrets |= missing_secrets(needed, secrets, "{}")
        check_secrets(needed, secrets)
        made = session.service_client(found.service).rerun(found.api_id, rerun_body(changes, secrets, tag))
        if detach:
            say_id(made, output)
            return
        stay(session, found.service, made, output, seconds=seconds, quiet=quiet, raw=raw)


def check_secrets(needed: Iterable[str], secrets: Container[str]) -> None:
    """Raise CommandError that names the secrets that are missing."""
    missing = [name for name in needed if name not in secrets]
    if missing:
        names = visible_line(", ".join(missing[:20]))
        raise CommandError(
            f"The values of secrets are not kept; give them with --secret NAME=@FILE: {names}."
        )


def rerun_body(changes: "Sequence[Property]", secrets: dict[str, str], tags: list[str] | None) -> bytes:
    """Return the body: changed members as they were given, byte for byte; raises CommandError."""
    members: dict[str, str] = {}
    for change in changes:
        if len(change.path) > 1:
            name = ".".join(change.path)
            raise CommandError(f"-i {name}: a rerun changes whole members: give all of {change.path[0]}.")
        members[change.path[0]] = change.text
    if secrets:
        members["$secrets"] = json.dumps(secrets, ensure_ascii=False)
    parts = {"input": joined(members)}
    if tags:
        parts["tags"] = json.dumps(tags, ensure_ascii=False)
    return joined(parts).encode()
