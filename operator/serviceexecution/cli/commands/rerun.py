"""``sx rerun``: an execution is run again, as it was or with changed members."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from serviceexecution.cli.console import say, say_json
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.options import (
    ContextOption,
    ExecutionArgument,
    GatewayOption,
    NamespaceOption,
    Output,
    OutputOption,
    RawOption,
    TimeoutOption,
    seconds_of,
)
from serviceexecution.contract.json_types import object_at


def rerun(
    execution: ExecutionArgument,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--input", "-i", help="NAME=VALUE of a changed member: JSON, @FILE with JSON, or else a text."
        ),
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=TEXT of a changed member, always a text.")
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option("--secret", help="NAME=VALUE, NAME=@FILE, or NAME to be asked for it."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Label of the new execution, in place of the old ones.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Print the id at once and do not wait.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither phases nor log.")] = False,
    raw: RawOption = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    timeout: TimeoutOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Run an execution again, as it was or with changed members of its input.

    It runs with the service as it is now. Values of secrets are not kept: you are asked for them.

    \b
    Examples:
      sx rerun 5f0c…
      sx rerun 5f0c… -i shots=2000 -i data=@other.json --set backend=local
    """
    from serviceexecution.cli.commands.run import stay
    from serviceexecution.cli.session import open_session

    seconds = seconds_of(timeout, option="--timeout")
    changes = {**json_changes(change or ()), **text_changes(text or ())}
    with open_session(context, namespace, gateway) as session:
        found = session.execution(execution)
        if not found.service:
            raise CommandError(f"{execution} is no execution of a service: run it again with kubectl.")
        needed = [*object_at(session.execution_object(found.name), "spec", "secrets")]
        secrets = asked_secrets(secret or (), needed)
        client = session.service_client(found.service)
        made = client.rerun(found.api_id, rerun_body(changes, secrets, tag))
        if detach:
            say_json({"id": made}) if output is Output.JSON else say(made)
            return
        stay(session, found.service, made, output, seconds=seconds, quiet=quiet, raw=raw)


def json_changes(options: Iterable[str]) -> dict[str, str]:
    """Return name → JSON text of ``-i NAME=VALUE``; raises CommandError."""
    changes: dict[str, str] = {}
    for option in options:
        name, value = _split(option, "-i")
        if value.startswith("@"):
            try:
                value = Path(value[1:]).expanduser().read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise CommandError(f"-i {name}: the file cannot be read as text.") from None
            if not _is_json(value):
                raise CommandError(f"-i {name}: the file is not JSON; use --set for texts.")
            changes[name] = value
        else:
            changes[name] = value if _is_json(value) else json.dumps(value, ensure_ascii=False)
    return changes


def text_changes(options: Iterable[str]) -> dict[str, str]:
    """Return name → JSON text of ``--set NAME=TEXT``; raises CommandError."""
    return {
        name: json.dumps(value, ensure_ascii=False)
        for name, value in (_split(option, "--set") for option in options)
    }


def asked_secrets(options: Sequence[str], needed: Iterable[str]) -> dict[str, str]:
    """Return the secrets that are given, and those that a person is asked for; raises CommandError without one."""
    from serviceexecution.cli.run.body import read_secrets

    named = [option for option in options if "=" not in option]
    secrets = read_secrets(option for option in options if "=" in option)
    missing = [name for name in dict.fromkeys([*named, *needed]) if name not in secrets]
    if missing and not sys.stdin.isatty():
        names = ", ".join(missing[:20])
        raise CommandError(
            f"The values of secrets are not kept; give them with --secret NAME=@FILE: {names}."
        )
    for name in missing:
        secrets[name] = str(typer.prompt(f"Secret {name}", hide_input=True, err=True))
    return secrets


def rerun_body(changes: dict[str, str], secrets: dict[str, str], tags: list[str] | None) -> bytes:
    """Return the body: changed members as they were given, byte for byte."""
    members = dict(changes)
    if secrets:
        members["$secrets"] = json.dumps(secrets, ensure_ascii=False)
    text = ",".join(f"{json.dumps(name, ensure_ascii=False)}:{value}" for name, value in members.items())
    body = f'{{"input":{{{text}}}'
    if tags:
        body += f',"tags":{json.dumps(tags, ensure_ascii=False)}'
    return (body + "}").encode()


def _split(option: str, flag: str) -> tuple[str, str]:
    name, equals, value = option.partition("=")
    if not equals or not name:
        raise CommandError(f"{flag} must be NAME=VALUE.")
    return name, value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
