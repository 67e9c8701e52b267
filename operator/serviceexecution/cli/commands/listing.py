"""``sx list`` and ``sx get``: which executions there are, and one of them as it is stored."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from serviceexecution.cli.console import note, say, say_json, say_json_line, say_yaml
from serviceexecution.cli.errors import ExitCode
from serviceexecution.cli.listing.selection import Selection, newest_first
from serviceexecution.cli.listing.shown import Form, FormOption, columns, document, say_executions
from serviceexecution.cli.options import (
    AllNamespacesOption,
    ContextOption,
    NamespaceOption,
    OlderOption,
    ServiceOption,
    SinceOption,
    StatusOption,
    TagOption,
    TextOption,
)
from serviceexecution.cli.summaries import ExecutionSummary, execution_summary
from serviceexecution.cli.terminal import visible_line
from serviceexecution.contract.json_types import JsonObject, JsonValue, object_of

if TYPE_CHECKING:
    from serviceexecution.cli.session import Session

SERVICE_PREFIX: Final = "service/"


class ObjectForm(StrEnum):
    """How a stored object is printed."""

    YAML = "yaml"
    JSON = "json"
    NAME = "name"


def list_executions(
    status: StatusOption = None,
    service: ServiceOption = "",
    tag: TagOption = None,
    since: SinceOption = "",
    older: OlderOption = "",
    text: TextOption = "",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on printing executions that change, until Ctrl-C.")
    ] = False,
    output: FormOption = Form.TABLE,
    all_namespaces: AllNamespacesOption = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
) -> None:
    """List executions, the newest first.

    Options narrow the list down; an execution must fit all of them.

    \b
    Examples:
      sx list --status running
      sx list --service plot --status failed,cancelled --since 2d -o wide
      sx list --tag nightly -o name | xargs sx wait
      sx list -A -w
    """
    from serviceexecution.cli.session import open_session
    from serviceexecution.kube.kinds import SERVICE_EXECUTIONS

    wanted = Selection.of(
        statuses=status or (), service=service, tags=tag or (), since=since, older=older, text=text
    )
    with open_session(context, namespace) as session:
        place = None if all_namespaces else session.namespace
        if watch:
            _watch(session, wanted, output, all_namespaces=all_namespaces)
            return
        items = session.api.list(SERVICE_EXECUTIONS, place, field_selector=wanted.field_selector)
    found = newest_first(view for view in map(execution_summary, items) if wanted.takes(view))
    if not found and output in {Form.TABLE, Form.WIDE}:
        note(f"There are no {'such ' if wanted else ''}executions{_in(place)}.")
        return
    say_executions(found, output, namespace=all_namespaces)


def get(
    names: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="Executions by name or id; service/NAME for a service."),
    ],
    output: Annotated[ObjectForm, typer.Option("--output", "-o", help="How to print.")] = ObjectForm.YAML,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
) -> None:
    """Print executions or services as the cluster stores them.

    \b
    Examples:
      sx get 5f0c…
      sx get 5f0c… -o json | jq .status.conditions
      sx get service/plot
    """
    from serviceexecution.cli.session import open_session

    with open_session(context, namespace) as session:
        found = [_stored(session, name) for name in names]
    if output is ObjectForm.NAME:
        for item in found:
            say(visible_line(str(object_of(item.get("metadata")).get("name"))))
        return
    several: list[JsonValue] = list(found)
    shown: JsonValue = found[0] if len(found) == 1 else several
    if output is ObjectForm.JSON:
        say_json(shown)
    else:
        say_yaml(shown)


def _stored(session: "Session", name: str) -> JsonObject:
    if name.startswith(SERVICE_PREFIX):
        found = session.service_object(name.removeprefix(SERVICE_PREFIX))
    else:
        found = session.execution_object(name)
    metadata = {k: v for k, v in object_of(found.get("metadata")).items() if k != "managedFields"}
    return {**found, "metadata": metadata}


def _watch(session: "Session", wanted: Selection, form: Form, *, all_namespaces: bool) -> None:
    from serviceexecution.cli.listing.changes import Changes, Gone

    changes = Changes(session.api, None if all_namespaces else session.namespace, wanted)
    printer = _Printer(form, namespace=all_namespaces)
    try:
        printer.say(changes.now())
        for change in changes.follow():
            if isinstance(change, Gone):
                note(f"{change.last.name} was deleted.")
            else:
                printer.say([change])
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


class _Printer:
    """Prints rows as they come below one heading, in columns as wide as they need at first."""

    def __init__(self, form: Form, *, namespace: bool) -> None:
        self._form = form
        self._columns = columns(wide=form is Form.WIDE, namespace=namespace)
        self._widths: list[int] = []

    def say(self, views: Sequence[ExecutionSummary]) -> None:
        match self._form:
            case Form.JSON:
                for view in views:
                    say_json_line(document(view))
            case Form.YAML:
                for view in views:
                    say("---")
                    say_yaml(document(view))
            case Form.NAME:
                for view in views:
                    say(visible_line(view.name))
            case _:
                self._rows(views)

    def _rows(self, views: Sequence[ExecutionSummary]) -> None:
        rows = [[visible_line(cell(view)) for _, cell in self._columns] for view in views]
        if not self._widths:
            rows.insert(0, [heading for heading, _ in self._columns])
            least = {"ID": 36, "PHASE": 9, "REASON": 16, "DURATION": 8, "REVISION": 8}
            self._widths = [
                max(least.get(heading, 0), *(len(row[at]) for row in rows))
                for at, (heading, _) in enumerate(self._columns)
            ]
        for row in rows:
            cells = zip(row, self._widths, strict=True)
            say("   ".join(cell.ljust(width) for cell, width in cells).rstrip())


def _in(namespace: str | None) -> str:
    return "" if namespace is None else f" in namespace {namespace}"
