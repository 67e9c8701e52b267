"""Console scripts ``sx`` and ``kubectl-sx``: the commands, put together."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from serviceexecution.cli.commands import (
    access_key,
    builds,
    callback,
    console,
    deletion,
    deploy,
    doctor,
    executions,
    init,
    listing,
    mcp,
    pool,
    receipt,
    rerun,
    run,
    serve,
    services,
    top,
    usage,
    waiting,
)
from serviceexecution.cli.console import give_up_output, note, take_any_text
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.kube.errors import KubernetesError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Rich takes as long to import as all the rest of --help
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    from importlib import metadata

    try:
        print(f"{_program()} {metadata.version('serviceexecution')}")
    except metadata.PackageNotFoundError:
        print(f"{_program()}, not installed: from a source tree")
    raise typer.Exit


@app.callback()
def _sx(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Services on Kubernetes: from a project to a result, with your kubectl credentials.

    \b
    Examples:
      sx init python plot && cd plot      # a project that runs
      sx deploy                           # built and served in the cluster
      sx run plot -d @input.json          # its result
    """


app.command("init")(init.init)
app.command("doctor")(doctor.doctor)
app.command("serve")(serve.serve)
app.command("deploy")(deploy.deploy)
app.add_typer(builds.builds, name="builds")
app.command("rollback")(builds.rollback)
app.command("services")(services.services)
app.command("run")(run.run)
app.command("list")(listing.list_executions)
app.command("status")(executions.status)
app.command("get")(listing.get)
app.command("watch")(waiting.watch)
app.command("wait")(waiting.wait)
app.command("top")(top.top)
app.command("logs")(executions.logs)
app.command("result")(executions.result)
app.command("rerun")(rerun.rerun)
app.command("receipt")(receipt.receipt)
app.command("usage")(usage.usage)
app.command("cancel")(executions.cancel)
app.command("delete")(deletion.delete)
app.add_typer(pool.pools, name="pool")
app.command("console")(console.console)
app.command("open")(console.open_page)
app.command("mcp")(mcp.mcp)
app.add_typer(access_key.keys, name="access-key")
app.add_typer(callback.callbacks, name="callback")


def main() -> None:
    """Run a command and end with its exit code; a failure is one sentence on stderr."""
    take_any_text()
    try:
        app(prog_name=_program())
    except CommandError as error:
        note(f"sx: {error}")
        sys.exit(error.code)
    except KubernetesError as error:
        note(f"sx: {error}")
        sys.exit(ExitCode.ERROR)
    except _http_errors() as error:
        from serviceexecution.cli.client.unreached import where_and_why

        note(f"sx: the cluster or the service cannot be reached{where_and_why(error)}")
        sys.exit(ExitCode.ERROR)
    except OSError as error:
        note(f"sx: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        give_up_output()
        sys.exit(ExitCode.ERROR)


def _program() -> str:
    """Return the name that help shows: kubectl calls its plugins by files of their own."""
    return "kubectl sx" if Path(sys.argv[0]).name.startswith("kubectl-sx") else "sx"


def _http_errors() -> tuple[type[Exception], ...]:
    """Return what HTTP fails with; asked when something has failed, since the client is slow to import."""
    httpx = sys.modules.get("httpx")
    return () if httpx is None else (httpx.HTTPError, httpx.InvalidURL)


if __name__ == "__main__":
    main()
