"""``sx delete``: executions, by name or all that fit."""

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from serviceexecution.cli.console import note, say, say_json
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.listing.selection import Selection, newest_first
from serviceexecution.cli.listing.shown import document
from serviceexecution.cli.options import (
    ContextOption,
    NamespaceOption,
    OlderOption,
    Output,
    OutputOption,
    ServiceOption,
    StatusOption,
    TagOption,
    TextOption,
)
from serviceexecution.cli.terminal import visible_line

if TYPE_CHECKING:
    from serviceexecution.cli.summaries import ExecutionSummary

_SHOWN: Final = 10


def delete(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Executions by name or id.", show_default=False),
    ] = None,
    status: StatusOption = None,
    service: ServiceOption = "",
    tag: TagOption = None,
    older: OlderOption = "",
    text: TextOption = "",
    everything: Annotated[
        bool, typer.Option("--all", help="All executions of the namespace that have ended.")
    ] = False,
    running: Annotated[
        bool,
        typer.Option(
            "--running",
            help="With the options above: also executions that have not ended, which are stopped.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be deleted, and delete nothing.")
    ] = False,
    output: OutputOption = Output.TABLE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
) -> None:
    """Delete executions.

    Those that you name are deleted at once, also while they run. Those that you choose with options are deleted when
    they have ended, and you are asked first.
    Log and result can no longer be read by sx, and the operator removes them when their time is over. A running
    execution is stopped when it is deleted.

    \b
    Examples:
      sx delete 5f0c… 77aa…
      sx delete --status failed --service plot
      sx delete --all --older 30d --yes
    """
    from serviceexecution.cli.session import open_session
    from serviceexecution.cli.summaries import execution_summary
    from serviceexecution.kube.kinds import SERVICE_EXECUTIONS

    wanted = Selection.of(statuses=status or (), service=service, tags=tag or (), older=older, text=text)
    by_selection = bool(wanted) or everything
    if bool(names) == by_selection:
        raise CommandError(
            "Say which executions: give their ids, or options such as --status or --all.", code=ExitCode.USAGE
        )
    with open_session(context, namespace) as session:
        if names:
            found = [session.execution(name) for name in names]
        else:
            items = session.api.list(
                SERVICE_EXECUTIONS, session.namespace, field_selector=wanted.field_selector
            )
            fitting = (view for view in map(execution_summary, items) if wanted.takes(view))
            found = newest_first(view for view in fitting if view.is_over or running)
        if not found:
            note(f"There are no such executions in namespace {session.namespace}.")
        elif by_selection and not dry_run and not yes:
            _ask(found, session.namespace)
        deleted = [
            view
            for view in found
            if dry_run or session.api.delete(SERVICE_EXECUTIONS, session.namespace, view.name)
        ]
    if output is Output.JSON:
        say_json([document(view) for view in deleted])
        return
    for view in deleted:
        say(f"{view.name} {'would be deleted' if dry_run else 'deleted'}")


def _ask(found: "list[ExecutionSummary]", namespace: str) -> None:
    """Let the person at the terminal decide; raises CommandError when it is to stay, or nobody can be asked."""
    for view in found[:_SHOWN]:
        note(visible_line(f"  {view.name}  {view.service}  {view.phase}"))
    more = f" ({len(found) - _SHOWN} more than shown)" if len(found) > _SHOWN else ""
    if not sys.stdin.isatty():
        raise CommandError(
            f"{len(found)} executions of namespace {namespace} would be deleted{more}; confirm with --yes.",
            code=ExitCode.USAGE,
        )
    if not typer.confirm(f"Delete these {len(found)} executions of namespace {namespace}{more}?", err=True):
        raise CommandError("Nothing was deleted.")
