"""``sx mcp``: services as tools for agents."""

import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from serviceexecution.cli.console import note
from serviceexecution.cli.errors import CommandError
from serviceexecution.cli.options import ContextOption, GatewayOption, NamespaceOption, seconds_of


def mcp(
    service: Annotated[
        list[str] | None,
        typer.Option(
            "--service",
            metavar="SERVICE",
            help="Offer only this service and its executions; several times. By default all of the namespace.",
        ),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="NAME",
            help="NAME=@FILE, or NAME, which is taken from SECRET_NAME; each service that asks for it gets it.",
        ),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--directory",
            "-d",
            metavar="DIR",
            help="Let agents save the files of results in this folder.",
            file_okay=False,
        ),
    ] = None,
    wait: Annotated[
        str,
        typer.Option(
            "--wait",
            metavar="DURATION",
            help="How long a call waits for the end of an execution, such as 5m.",
        ),
    ] = "50s",
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
) -> None:
    """Offer services to an agent as tools.

    An agent starts this command itself, and speaks the Model Context Protocol with it on standard input and output. It
    sees the services of a namespace, and may run them, look at executions, read their logs and results,
    and stop what it has started, all with your kubeconfig.

    \b
    Examples:
      sx mcp -n team-a
      sx mcp --service plot --directory results --wait 5m
    """
    if find_spec("mcp") is None:
        raise CommandError(_missing())
    from serviceexecution.cli.agents.calls import Calls, Wish
    from serviceexecution.cli.agents.server import run
    from serviceexecution.cli.run.body import read_secrets
    from serviceexecution.cli.session import open_session

    patience = seconds_of(wait, option="--wait")
    wish = Wish(
        only=frozenset(service or ()),
        secrets=read_secrets(secret or ()),
        directory=directory,
        patience=50.0 if patience is None else patience,
    )
    with open_session(context, namespace, gateway) as session:
        if sys.stdin.isatty():
            note(
                f"Services of namespace {session.namespace}, for an agent that starts this command. Ctrl-C ends it."
            )
        # A thread that reads standard input would wait for a line before it ends
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        run(Calls(session, wish), _version())


def _missing() -> str:
    if find_spec("serviceexecution.local") is None:
        return (
            "sx mcp needs the whole package with the extra mcp, which this one file leaves out: "
            "pip install '.[mcp]' in a checkout."
        )
    return "sx mcp needs the extra mcp: pip install 'serviceexecution[mcp]', or pip install '.[mcp]' in a checkout."


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("serviceexecution")
    except metadata.PackageNotFoundError:
        return ""
