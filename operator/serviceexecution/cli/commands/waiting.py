"""``sx wait`` and ``sx watch``: until executions have come where somebody wants them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

import typer

from serviceexecution.cli.console import say, say_json, say_json_line
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.listing.selection import Selection
from serviceexecution.cli.listing.shown import document
from serviceexecution.cli.options import (
    ContextOption,
    NamespaceOption,
    Output,
    OutputOption,
    ServiceOption,
    TagOption,
    TimeoutOption,
    seconds_of,
)
from serviceexecution.cli.summaries import ExecutionSummary
from serviceexecution.cli.terminal import visible_line

if TYPE_CHECKING:
    from serviceexecution.cli.session import Session

_CONDITION: Final = "condition="
_END: Final = "end"
_RUNNING: Final = "running"
_CODES: Final = {"Failed": ExitCode.EXECUTION_FAILED, "Cancelled": ExitCode.CANCELLED}
_Names = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Executions by name or id.", show_default=False)
]


@dataclass(frozen=True, slots=True)
class Goal:
    """What an execution is waited for."""

    word: str = _END

    def __post_init__(self) -> None:
        """Raise CommandError for what no execution comes to."""
        if self.word not in {_END, _RUNNING} and not self.word.startswith(_CONDITION):
            raise CommandError(f"--for must be {_END}, {_RUNNING} or {_CONDITION}NAME, not {self.word!r}.")

    def reached(self, view: ExecutionSummary) -> bool:
        """Tell whether it is there."""
        if self.word == _RUNNING:
            return view.phase == "Running" or view.started is not None
        if self.word.startswith(_CONDITION):
            wanted = self.word.removeprefix(_CONDITION).lower()
            return wanted in {name.lower() for name in view.conditions}
        return view.is_over

    def code(self, view: ExecutionSummary) -> ExitCode:
        """Return what the command ends with because of it."""
        if self.word != _END and self.reached(view):
            return ExitCode.SUCCEEDED
        missed = ExitCode.SUCCEEDED if self.reached(view) else ExitCode.ERROR
        return _CODES.get(view.phase, missed)


@dataclass(slots=True)
class _Awaited:
    """The executions that are waited for, as they were seen last."""

    goal: Goal
    views: dict[str, ExecutionSummary] = field(default_factory=dict)
    left: dict[str, ExecutionSummary] = field(default_factory=dict)
    """Those of them that are still waited for."""
    gone: list[str] = field(default_factory=list)

    def see(self, view: ExecutionSummary) -> None:
        self.views[view.name] = view
        if self.goal.reached(view) or view.is_over:
            self.left.pop(view.name, None)
        else:
            self.left[view.name] = view

    def lose(self, name: str) -> None:
        del self.views[name]
        self.left.pop(name, None)
        self.gone.append(name)

    @property
    def code(self) -> ExitCode:
        codes = {self.goal.code(view) for view in self.views.values()}
        order = (ExitCode.EXECUTION_FAILED, ExitCode.CANCELLED, ExitCode.ERROR)
        return next((code for code in order if code in codes), ExitCode.SUCCEEDED)


def wait(
    names: _Names = None,
    service: ServiceOption = "",
    tag: TagOption = None,
    goal: Annotated[
        str, typer.Option("--for", metavar="WHAT", help="What to wait for: end, running, or condition=NAME.")
    ] = _END,
    output: OutputOption = Output.TABLE,
    timeout: TimeoutOption = "",
    namespace: NamespaceOption = "",
    context: ContextOption = "",
) -> None:
    """Wait until executions end, run or have a condition.

    Without an ID it waits for all executions that --service and --tag name and that exist now. The exit code is 4 when
    one of them failed, 5 when one was cancelled, 124 after --timeout; the executions keep running then.

    \b
    Examples:
      sx wait 5f0c… && sx result 5f0c…
      sx wait --tag nightly --timeout 2h
      sx wait 5f0c… --for condition=Collecting
    """
    from serviceexecution.cli.session import open_session

    awaited, seconds = _Awaited(Goal(goal)), seconds_of(timeout, option="--timeout")
    if bool(names) == bool(service or tag):
        raise CommandError(
            "Say which executions: give their ids, or --service or --tag.", code=ExitCode.USAGE
        )
    with open_session(context, namespace) as session:
        _wait(session, names or [], Selection.of(service=service, tags=tag or ()), awaited, seconds)
    views = list(awaited.views.values())
    if output is Output.JSON:
        say_json([document(view) for view in views])
    else:
        for view in views:
            say(_sentence(view))
    if awaited.gone:
        raise CommandError(f"Deleted before their end was seen: {', '.join(awaited.gone)}.")
    raise typer.Exit(awaited.code)


def watch(
    execution: Annotated[str, typer.Argument(metavar="ID", help="An execution by name or id.")],
    output: OutputOption = Output.TABLE,
    timeout: TimeoutOption = "",
    namespace: NamespaceOption = "",
    context: ContextOption = "",
) -> None:
    """Print each state of an execution until it ends.

    A state comes with its reason, for example why it waits.

    The exit code is 4 when it failed, 5 when it was cancelled. sx list -w watches all executions.

    \b
    Examples:
      sx watch 5f0c…
      sx watch 5f0c… -o json | jq -r .message
    """
    from serviceexecution.cli.session import open_session

    seconds = seconds_of(timeout, option="--timeout")
    awaited = _Awaited(Goal())
    shown = ""

    def show(view: ExecutionSummary) -> None:
        nonlocal shown
        line = _sentence(view)
        if line != shown:
            shown = line
            if output is Output.JSON:
                say_json_line(document(view))
            else:
                say(line)

    with open_session(context, namespace) as session:
        _wait(session, [execution], Selection(), awaited, seconds, show)
    if awaited.gone:
        raise CommandError(f"{execution} was deleted before its end was seen.")
    raise typer.Exit(awaited.code)


def _wait(
    session: "Session",
    names: list[str],
    wanted: Selection,
    awaited: _Awaited,
    seconds: float | None,
    show: Callable[[ExecutionSummary], None] = lambda _: None,
) -> None:
    """Fill ``awaited`` until nothing of it is left; raises CommandError with 124 when the time is over."""
    from serviceexecution.cli.listing.changes import Changes, Gone

    asked = dict.fromkeys(session.execution(name).name for name in names)
    only = next(iter(asked)) if len(asked) == 1 else ""
    changes = Changes(session.api, session.namespace, wanted, name=only)
    for view in changes.now():
        if not asked or view.name in asked:
            awaited.see(view)
            show(view)
    awaited.gone += [name for name in asked if name not in awaited.views]
    if not awaited.left:
        return
    try:
        for change in changes.follow(seconds):
            view = change.last if isinstance(change, Gone) else change
            if view.name not in awaited.views:
                continue
            if isinstance(change, Gone):
                awaited.lose(view.name)
            else:
                awaited.see(view)
                show(view)
            if not awaited.left:
                return
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    raise _too_long(list(awaited.left.values()))


def _too_long(left: list[ExecutionSummary]) -> CommandError:
    first = (
        f"{left[0].name} is {left[0].phase}" if len(left) == 1 else f"{len(left)} executions are not there"
    )
    return CommandError(f"It takes longer than --timeout: {first}.", code=ExitCode.TIMEOUT)


def _sentence(view: ExecutionSummary) -> str:
    why = f": {visible_line(view.message)}" if view.message else ""
    return f"{visible_line(view.name)} {view.phase}{why}"
