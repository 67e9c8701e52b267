"""``sx builds`` and ``sx rollback``: what was built of a service, and which of it serves."""

from typing import TYPE_CHECKING, Annotated

import typer

from serviceexecution.cli.commands.default_group import DefaultGroup
from serviceexecution.cli.console import note, say, say_json, say_output, say_table
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.log_choice import (
    GrepOption,
    LogChoice,
    LogSinceOption,
    TailOption,
    TimestampsOption,
    plain_entry,
    timed_entry,
)
from serviceexecution.cli.options import (
    ContextOption,
    GatewayOption,
    NamespaceOption,
    Output,
    OutputOption,
    RawOption,
    ServiceArgument,
)
from serviceexecution.cli.summaries import RevisionSummary, ServiceSummary, shown_seconds
from serviceexecution.contract.json_types import JsonObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serviceexecution.cli.client.log_entry import LogEntry
    from serviceexecution.cli.session import Session

builds = typer.Typer(
    cls=DefaultGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Revisions of a service: sx builds SERVICE lists them.",
)
RevisionArgument = Annotated[
    str,
    typer.Argument(
        metavar="REVISION", help="A revision such as r3, as sx builds SERVICE shows it.", show_default=False
    ),
]


@builds.command("list")
def show(
    service: ServiceArgument,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """List the revisions of a service, newest first. A star marks the one that serves.

    \b
    Examples:
      sx builds list plot
      sx builds plot -o json
    """
    from serviceexecution.cli.session import open_session

    with open_session(context, namespace, gateway) as session:
        view = session.service(service)
    if output is Output.JSON:
        say_json([_document(view, revision) for revision in view.revisions])
        return
    if not view.revisions:
        note(f"{service} has no builds yet.")
        return
    say_table(
        ("", "REVISION", "PHASE", "SOURCE", "TIME", "AGE", "MESSAGE"),
        [_row(view, revision) for revision in view.revisions],
    )


@builds.command("logs")
def logs(
    service: ServiceArgument,
    revision: RevisionArgument = "",
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="Follow the log until the build ends; exit with 3 if the build fails."
        ),
    ] = False,
    since: LogSinceOption = "",
    tail: TailOption = None,
    grep: GrepOption = "",
    timestamps: TimestampsOption = False,
    raw: RawOption = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
) -> None:
    """Print the log of a build, the newest one by default.

    \b
    Examples:
      sx builds logs plot
      sx builds logs plot r3 -f
      sx builds logs plot --grep error --tail 20
    """
    choice = LogChoice.of(since, tail, grep, timestamps=timestamps)
    from serviceexecution.cli.session import open_session

    with open_session(context, namespace, gateway) as session:
        found = _revision(session.service(service), revision)
        if not follow:
            for line in choice.chosen(_lines(session, service, found.name, timed=choice.needs_times)):
                say_output(line, raw=raw)
            return
        _follow(session, service, found.name, choice, raw=raw)


@builds.command("cancel")
def cancel(
    service: ServiceArgument,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop the running build. The service keeps serving its current revision.

    \b
    Examples:
      sx builds cancel plot
    """
    from serviceexecution.cli.deploy.apply import cancel_build
    from serviceexecution.cli.session import open_session

    with open_session(context, namespace, gateway) as session:
        running = [one for one in session.service(service).revisions if not one.is_over]
        if not running:
            raise CommandError(f"No build of {service} is running; see them with: sx builds {service}")
        cancel_build(session.api, session.namespace, service, running[0].name)
    if output is Output.JSON:
        say_json({"service": service, "revision": running[0].name, "cancelling": True})
    else:
        say(f"{running[0].name} is being cancelled.")


def rollback(
    service: ServiceArgument,
    revision: RevisionArgument = "",
    latest: Annotated[
        bool, typer.Option("--latest", help="Serve the newest good revision, now and after each build.")
    ] = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Serve an earlier revision of a service.

    This is the revision that you name, or else the last good one before the current one. It serves until the next
    sx deploy, or until sx rollback --latest.

    \b
    Examples:
      sx rollback plot
      sx rollback plot r2
      sx rollback plot --latest
    """
    from serviceexecution.cli.deploy.apply import set_revision
    from serviceexecution.cli.deploy.rollback import chosen_revision, wait_until_serving
    from serviceexecution.cli.session import open_session

    if latest and revision:
        raise CommandError("Give either a revision or --latest.", code=ExitCode.USAGE)
    with open_session(context, namespace, gateway) as session:
        before = session.service(service)
        target = None if latest else chosen_revision(before, revision)
        set_revision(session.api, session.namespace, service, target)
        now = wait_until_serving(lambda: session.service(service), target)
    if output is Output.JSON:
        say_json(
            {
                "service": service,
                "serving": now.serving or None,
                "before": before.serving or None,
                "pinned": now.pinned or None,
            }
        )
        return
    was = f" (it was {before.serving})" if before.serving and before.serving != now.serving else ""
    say(f"{service} serves {now.serving or 'nothing yet'}{was}.")


def _lines(session: "Session", service: str, revision: str, *, timed: bool) -> "Iterator[LogEntry]":
    from serviceexecution.cli.deploy.follow import build_log

    path = build_log(session, service, revision) + ("?timestamps=true" if timed else "")
    return map(timed_entry if timed else plain_entry, session.channel.text_lines(path))


def _follow(session: "Session", service: str, revision: str, choice: LogChoice, *, raw: bool) -> None:
    from serviceexecution.cli.deploy.follow import follow_build_log

    lines = choice.followed(
        lambda: _lines(session, service, revision, timed=choice.needs_times),
        follow_build_log(session, service, revision),
    )
    try:
        for line in lines:
            say_output(line, raw=raw)
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    ended = session.service(service).find(revision)
    if ended is not None and ended.phase == "Failed":
        raise CommandError(_ended(ended, "failed"), code=ExitCode.BUILD_FAILED)
    if ended is not None and ended.phase in {"Cancelled", "Superseded"}:
        what = "was cancelled" if ended.phase == "Cancelled" else "was replaced by a newer one"
        raise CommandError(_ended(ended, what), code=ExitCode.CANCELLED)


def _ended(revision: RevisionSummary, what: str) -> str:
    why = f": {revision.message}" if revision.message and revision.phase == "Failed" else "."
    return f"{revision.name} {what}{why}"


def _revision(service: ServiceSummary, name: str) -> RevisionSummary:
    found = service.find(name) if name else next(iter(service.revisions), None)
    if found is None:
        what = f"has no revision {name}" if name else "was never built"
        raise CommandError(f"{service.name} {what}; see its revisions with: sx builds {service.name}")
    return found


def _row(service: ServiceSummary, revision: RevisionSummary) -> tuple[str, ...]:
    source = revision.commit[:12] or revision.source_digest.removeprefix("sha256:")[:12]
    pin = " (pinned)" if revision.name == service.pinned else ""
    return (
        "*" if revision.name == service.serving else "",
        revision.name + pin,
        revision.phase,
        source,
        shown_seconds(revision.started, revision.ended),
        shown_seconds(revision.started, None),
        "" if revision.phase == "Succeeded" else revision.message,
    )


def _document(service: ServiceSummary, revision: RevisionSummary) -> JsonObject:
    return {
        "name": revision.name,
        "serving": revision.name == service.serving,
        "pinned": revision.name == service.pinned,
        "phase": revision.phase,
        "reason": revision.reason or None,
        "message": revision.message or None,
        "sourceDigest": revision.source_digest or None,
        "commit": revision.commit or None,
        "image": revision.image or None,
        "startTime": None if revision.started is None else revision.started.isoformat(),
        "completionTime": None if revision.ended is None else revision.ended.isoformat(),
    }
