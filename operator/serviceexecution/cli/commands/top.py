"""``sx top``: what runs now, and what it uses."""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from serviceexecution.cli.console import note, say, say_json
from serviceexecution.cli.options import (
    AllNamespacesOption,
    ContextOption,
    NamespaceOption,
    Output,
    OutputOption,
    ServiceOption,
    seconds_of,
)
from serviceexecution.cli.sizes import shown_size
from serviceexecution.cli.summaries import shown_seconds
from serviceexecution.cli.tables import table_lines
from serviceexecution.contract.json_types import JsonObject

if TYPE_CHECKING:
    from serviceexecution.cli.listing.live_usage import LiveUsage
    from serviceexecution.cli.session import Session
    from serviceexecution.cli.summaries import ExecutionSummary

_LEAST_SECONDS: Final = 1.0


class Order(StrEnum):
    """What stands first."""

    CPU = "cpu"
    MEMORY = "memory"
    AGE = "age"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Row:
    """One execution that runs."""

    view: "ExecutionSummary"
    usage: "LiveUsage | None"

    def key(self, order: Order) -> tuple[float | str, ...]:
        """Return what it is sorted by; what is equal stands in the order of age."""
        created = self.view.created.timestamp() if self.view.created is not None else 0.0
        match order:
            case Order.CPU:
                return 1.0 if self.usage is None else -self.usage.cores, created, self.view.name
            case Order.MEMORY:
                return 1 if self.usage is None else -self.usage.memory, created, self.view.name
            case Order.AGE:
                return created, self.view.name
            case Order.SERVICE:
                return self.view.namespace, self.view.service, created, self.view.name

    @property
    def document(self) -> JsonObject:
        """Return it for programs."""
        from serviceexecution.cli.listing.shown import document

        used: JsonObject = {"cpuCores": None, "memoryBytes": None}
        if self.usage is not None:
            used = {"cpuCores": round(self.usage.cores, 6), "memoryBytes": self.usage.memory}
        return {**document(self.view), **used}


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything that runs, at one moment."""

    rows: tuple[Row, ...]
    why_not: str
    """Why nobody knows what it uses, "" when somebody does."""

    def lines(self, *, namespaces: bool) -> list[str]:
        """Return it for people."""
        known = [row.usage for row in self.rows if row.usage is not None]
        first = f"{len(self.rows)} running"
        if known:
            cores, memory = sum(one.cores for one in known), sum(one.memory for one in known)
            first += f", {cores:.2f} CPU, {shown_size(memory)}"
        headings = ["ID", "SERVICE", "CPU", "MEMORY", "RUNNING", "AGE"]
        cells = [
            [
                row.view.name,
                row.view.service,
                "" if row.usage is None else f"{row.usage.cores:.2f}",
                "" if row.usage is None else shown_size(row.usage.memory),
                shown_seconds(row.view.started, None),
                shown_seconds(row.view.created, None),
            ]
            for row in self.rows
        ]
        if namespaces:
            headings.insert(0, "NAMESPACE")
            cells = [[row.view.namespace, *line] for row, line in zip(self.rows, cells, strict=True)]
        return [first, *table_lines(headings, cells)]


def top(
    service: ServiceOption = "",
    sort: Annotated[Order, typer.Option("--sort", help="What stands first.")] = Order.CPU,
    once: Annotated[bool, typer.Option("--once", help="Print once and end, also on a terminal.")] = False,
    interval: Annotated[
        str, typer.Option("--interval", metavar="DURATION", help="Time between two looks, such as 2s or 1m.")
    ] = "5s",
    all_namespaces: AllNamespacesOption = False,
    output: OutputOption = Output.TABLE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
) -> None:
    """Show what runs now, and the CPU and memory it uses.

    On a terminal it looks again and again, until Ctrl-C; into a file or a pipe it prints once. CPU is in cores. The
    numbers are those of kubectl top: they need metrics-server in the cluster, which looks about every 15 seconds.

    \b
    Examples:
      sx top
      sx top -A --sort memory
      sx top --once -o json | jq 'map(.cpuCores) | add'
    """
    from serviceexecution.cli.session import open_session

    seconds = max(_LEAST_SECONDS, seconds_of(interval, option="--interval") or 0.0)
    with open_session(context, namespace) as session:

        def look() -> Sight:
            return see(session, None if all_namespaces else session.namespace, service, sort)

        if output is Output.TABLE and not once and sys.stdout.isatty():
            with contextlib.suppress(KeyboardInterrupt):
                _show(look, seconds, namespaces=all_namespaces)
            return
        sight = look()
    if output is Output.JSON:
        say_json([row.document for row in sight.rows])
    else:
        for line in sight.lines(namespaces=all_namespaces):
            say(line)
    if sight.why_not:
        note(f"CPU and memory are unknown: {sight.why_not}")


def see(session: "Session", namespace: str | None, service: str, order: Order) -> Sight:
    """Return what runs in a namespace, in all of them for None."""
    from serviceexecution.cli.listing.live_usage import measure
    from serviceexecution.cli.listing.selection import Selection
    from serviceexecution.cli.summaries import execution_summary
    from serviceexecution.kube.kinds import SERVICE_EXECUTIONS

    wanted = Selection.of(statuses=["running"], service=service)
    items = session.api.list(SERVICE_EXECUTIONS, namespace, field_selector=wanted.field_selector)
    views = [view for view in map(execution_summary, items) if wanted.takes(view)]
    measured = measure(session.api, namespace)
    rows = sorted((Row(view, measured.of(view)) for view in views), key=lambda row: row.key(order))
    return Sight(tuple(rows), measured.why_not)


def _show(look: Callable[[], Sight], seconds: float, *, namespaces: bool) -> None:
    """Show the newest sight in place of the one before, as many rows as fit, until somebody interrupts."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from serviceexecution.cli.watching import Watched, watch

    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        for sight in watch(Watched(look, lambda _: False, lambda _: None), pause=seconds):
            if not isinstance(sight, Sight):
                continue
            lines = sight.lines(namespaces=namespaces)
            if sight.why_not:
                lines.insert(1, f"CPU and memory are unknown: {sight.why_not}")
            live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)
