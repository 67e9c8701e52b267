"""``sx deploy``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serviceexecution.cli.console import note, say, say_json
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.options import (
    ContextOption,
    GatewayOption,
    NamespaceOption,
    Output,
    OutputOption,
    ProjectArgument,
    TimeoutOption,
    seconds_of,
)

if TYPE_CHECKING:
    from serviceexecution.cli.deploy.progress import Progress
    from serviceexecution.cli.session import Session
    from serviceexecution.cli.summaries import ServiceSummary

NameOption = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Name of the service; by default the one in sx.yaml, else the folder's.",
    ),
]
RuntimeOption = Annotated[
    str,
    typer.Option(
        "--runtime", help="How to build a folder that fits both: python or docker.", metavar="python|docker"
    ),
]
GitOption = Annotated[
    str, typer.Option("--git", metavar="URL", help="Build from this Git repository instead of the folder.")
]
RefOption = Annotated[
    str, typer.Option("--ref", metavar="REF", help="Branch, tag or commit of the repository.")
]
KeepRevisionOption = Annotated[
    bool,
    typer.Option("--keep-revision", help="Build, but keep serving the revision chosen with sx rollback."),
]
RebuildOption = Annotated[
    bool,
    typer.Option(
        "--rebuild", help="Build even if nothing has changed, for example to use a newer base image."
    ),
]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the build until it ends.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Overwrite fields that somebody else has set to other values.")
]
GitIgnoreOption = Annotated[
    bool, typer.Option("--gitignore/--no-gitignore", help="Leave out the files that .gitignore names.")
]
MaxSizeOption = Annotated[
    str,
    typer.Option(
        "--max-size",
        metavar="SIZE",
        help="Largest archive to upload, for a gateway that accepts more than 100Mi.",
    ),
]
OutputSchemaOption = Annotated[
    bool,
    typer.Option(
        "--output-schema",
        help="Check results by the schema in openapi-spec.yml: a run whose result does not fit then fails.",
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Show what would be packed and the ServiceDefinition, and change nothing."
    ),
]


def deploy(
    directory: ProjectArgument = Path(),
    name: NameOption = "",
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    runtime: RuntimeOption = "",
    git: GitOption = "",
    ref: RefOption = "",
    keep_revision: KeepRevisionOption = False,
    rebuild: RebuildOption = False,
    wait: WaitOption = True,
    timeout: TimeoutOption = "",
    force: ForceOption = False,
    gitignore: GitIgnoreOption = True,
    max_size: MaxSizeOption = "100Mi",
    output_schema: OutputSchemaOption = False,
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Build a project in the cluster and serve it.

    The project is packed and uploaded first. A folder with src/program.py is a Python project; a folder with a
    Dockerfile is built with it. Where sx.yaml is silent, planqk.json or qhub.json and openapi-spec.yml are read. The
    exit code is 3 when the build fails, 5 when it was cancelled or replaced by a newer one, 124 after --timeout.

    \b
    Examples:
      sx deploy                                    # the current folder
      sx deploy examples/plot -n team-a
      sx deploy --git https://example.com/plot.git --ref v2 --runtime python --name plot
      sx deploy --rebuild                          # the same source, built again
    """
    from serviceexecution.cli.deploy.packing import Wishes, preview
    from serviceexecution.cli.deploy.run import deploy as run_deployment
    from serviceexecution.cli.deploy.run import has_build
    from serviceexecution.cli.project.plan import make_plan
    from serviceexecution.cli.project.project_file import read_project_file
    from serviceexecution.cli.project.whole import WholeProject, read_project
    from serviceexecution.cli.session import open_session

    seconds = seconds_of(timeout, option="--timeout")
    if runtime not in {"", "python", "docker"}:
        raise CommandError("--runtime must be python or docker.", code=ExitCode.USAGE)
    if git and output_schema:
        raise CommandError(
            "--output-schema reads the folder's openapi-spec.yml: with --git, write spec.outputSchema in sx.yaml.",
            code=ExitCode.USAGE,
        )
    whole = (
        WholeProject(read_project_file(directory))
        if git
        else read_project(directory, with_output_schema=output_schema)
    )
    project = whole.file
    for line in whole.said:
        note(line)
    plan = make_plan(
        directory,
        project,
        name=name,
        runtime=runtime,
        git_url=git,
        git_ref=ref,
        convention=whole.runtime,
    )
    wishes = Wishes(
        use_git_ignore=gitignore,
        keep_revision=keep_revision,
        rebuild=rebuild,
        force=force,
        limit=_bytes_of(max_size),
    )
    if dry_run:
        from serviceexecution.kube.configuration.kubeconfig import load_context

        place = namespace or project.namespace or load_context(context or None).namespace
        say_json(preview(directory, plan, wishes, place))
        return
    with open_session(context, namespace or project.namespace, gateway) as session:
        if project.namespace and not namespace and project.namespace != session.context.namespace:
            note(
                f"Namespace {project.namespace}, as sx.yaml says (the context's is {session.context.namespace})."
            )
        applied = run_deployment(session, directory, plan, wishes)
        if wait:
            _show(session, applied, builds=has_build(plan), seconds=seconds, output=output, folder=directory)
        else:
            _detached(session, applied, output)


def _show(
    session: "Session",
    applied: "ServiceSummary",
    *,
    builds: bool,
    seconds: float | None,
    output: Output,
    folder: Path,
) -> None:
    from serviceexecution.cli.deploy.follow import follow_deployment
    from serviceexecution.cli.watching import WaitedTooLongError

    back = _way_back(session, applied)
    try:
        progress = follow_deployment(session, applied, builds=builds, seconds=seconds)
    except WaitedTooLongError:
        raise CommandError(
            f"It takes longer than --timeout and continues in the cluster. {back}", code=ExitCode.TIMEOUT
        ) from None
    except KeyboardInterrupt:
        note(f"\nThe deployment continues in the cluster. {back}")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    _finish(session, progress, output, folder)


def _finish(session: "Session", progress: "Progress", output: Output, folder: Path) -> None:
    from serviceexecution.cli.deploy.report import deployment_document, failure_sentence, success_lines

    url = session.service_url(progress.service.name)
    if output is Output.JSON:
        say_json(deployment_document(progress, url))
    if progress.exit_code:
        raise CommandError(failure_sentence(progress), code=progress.exit_code)
    if output is Output.TABLE:
        for line in success_lines(progress, url, flags=session.flags, folder=folder):
            say(line)


def _detached(session: "Session", applied: "ServiceSummary", output: Output) -> None:
    if output is Output.JSON:
        say_json({"name": applied.name, "namespace": applied.namespace, "generation": applied.generation})
    else:
        say(f"The deployment continues in the cluster. {_way_back(session, applied)}")


def _way_back(session: "Session", applied: "ServiceSummary") -> str:
    place = f"{applied.name}{session.flags}"
    return f"Come back with: sx builds logs {place} -f; end it with: sx builds cancel {place}"


def _bytes_of(quantity: str) -> int:
    from serviceexecution.contract.quantities import QuantityError, parse_quantity

    try:
        return parse_quantity(quantity, field="--max-size")
    except QuantityError as error:
        raise CommandError(str(error)) from None
