"""``sx callback``: receivers of callbacks, tried."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from serviceexecution.cli.console import note, say_json, say_output
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.options import ContextOption, NamespaceOption, Output, OutputOption

KEY_VARIABLE: Final = "SX_CALLBACK_KEY"

callbacks = typer.Typer(no_args_is_help=True, help="Test the receivers of callbacks.", rich_markup_mode=None)


@callbacks.callback()
def _callbacks() -> None:
    """Test the receivers of callbacks."""


@callbacks.command("test")
def try_out(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of the receiver.")],
    signing_key: Annotated[
        str,
        typer.Option("--signing-key", metavar="KEY", help="Key of the Secret serviceexecution-callbacks."),
    ] = "default",
    key_file: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help=f"File with the key itself, in place of the Secret. {KEY_VARIABLE} in the environment does the same.",
        ),
    ] = "",
    forge: Annotated[
        bool, typer.Option(help="Also send an event with a wrong signature, which it should refuse.")
    ] = True,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Send a signed test event to a receiver, and explain its answer.

    It goes from this machine, by any network. The operator sends from the cluster, and only to what the chart's
    callbacks.allowedUrls names.

    \b
    Examples:
      sx callback test https://example.com/hook
    """
    import asyncio

    from serviceexecution.cli.callback_trial import check_url, try_receiver

    check_url(url)
    key = _key(signing_key, key_file, namespace, context)
    trial = asyncio.run(try_receiver(url, key, forge=forge))
    sentences = trial.sentences()
    if output is Output.JSON:
        said = " ".join(sentences)
        say_json({"url": url, "accepted": trial.accepted, "verifies": trial.verifies, "message": said})
    else:
        for sentence in sentences:
            say_output(sentence)
    if not trial.accepted and output is Output.TABLE:
        raise CommandError("the receiver did not accept the event.")
    if not trial.accepted or trial.verifies is False:
        raise typer.Exit(ExitCode.ERROR)


def _key(name: str, file: str, namespace: str, context: str) -> bytes:
    """Return the key that events are signed with."""
    told = Path(file).read_bytes().strip() if file else os.environ.get(KEY_VARIABLE, "").strip().encode()
    if file and not told:
        raise CommandError(f"{file} is empty: write the key into it.")
    if told:
        return told
    import base64

    from serviceexecution.cli.session import open_session
    from serviceexecution.kube.kinds import SECRETS
    from serviceexecution.resources.names import CALLBACK_SECRET

    with open_session(context, namespace) as session:
        secret = session.api.get(SECRETS, session.namespace, CALLBACK_SECRET)
        where = f"Secret {CALLBACK_SECRET} in namespace {session.namespace}"
    data = secret.get("data") if secret is not None else None
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str) or not value:
        note(
            f"Nothing is sent unsigned. Make it: kubectl create secret generic {CALLBACK_SECRET} "
            f'--from-literal={name}="whsec_$(openssl rand -base64 32)"'
        )
        raise CommandError(f'There is no key "{name}" in the {where}.')
    return base64.b64decode(value)
