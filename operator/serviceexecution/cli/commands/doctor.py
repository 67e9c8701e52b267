"""``sx doctor``: what is wrong, and what to do."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from serviceexecution.cli.console import say, say_json
from serviceexecution.cli.errors import CommandError, ExitCode
from serviceexecution.cli.options import (
    ContextOption,
    GatewayOption,
    NamespaceOption,
    Output,
    OutputOption,
    ProjectArgument,
)
from serviceexecution.cli.terminal import visible_line

if TYPE_CHECKING:
    from serviceexecution.cli.doctor.finding import Finding


def doctor(
    directory: ProjectArgument = Path(),
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Look for what is wrong, from the project to the cluster.

    It looks at project, cluster, rights, gateway, registry, quota and queue; each line says what is wrong and what to
    do. It changes nothing, except that sx makes its account sx-cli where it is missing and you may make it. The exit
    code is 1 when something is wrong.

    \b
    Examples:
      sx doctor
      sx doctor services/plot -n team-a
      sx doctor -o json | jq '.[] | select(.state == "wrong")'
    """
    from serviceexecution.cli.doctor.finding import State

    found = []
    for finding in _findings(directory, context, namespace, gateway):
        found.append(finding)
        if output is Output.TABLE:
            say(f"{finding.state.value:<6} {finding.what:<9} {visible_line(finding.message)}")
            if finding.fix and finding.state is not State.GOOD:
                say(f"{'':<17}{visible_line(finding.fix)}")
    if output is Output.JSON:
        say_json([finding.document for finding in found])
    if any(finding.state is State.WRONG for finding in found):
        raise typer.Exit(ExitCode.ERROR)


def _findings(directory: Path, context: str, namespace: str, gateway: str) -> "Iterator[Finding]":
    import httpx

    from serviceexecution.cli.client.unreached import where_and_why
    from serviceexecution.cli.cluster.gateway import gateway_place
    from serviceexecution.cli.doctor.cluster import look_at_cluster
    from serviceexecution.cli.doctor.finding import Finding, State
    from serviceexecution.cli.doctor.project import look_at_project
    from serviceexecution.cli.session import open_session
    from serviceexecution.kube.errors import KubernetesError

    yield look_at_project(directory)
    try:
        gateway_place(gateway)
    except CommandError as error:
        yield Finding(
            "gateway", State.WRONG, str(error), "Without it sx looks where the chart puts the gateway."
        )
        return
    try:
        with open_session(context, namespace, gateway) as session:
            yield from look_at_cluster(session)
    except (KubernetesError, CommandError) as error:
        yield Finding("cluster", State.WRONG, str(error), "kubectl config get-contexts lists what there is.")
    except httpx.HTTPError as error:
        yield Finding(
            "cluster",
            State.WRONG,
            f"The cluster cannot be reached{where_and_why(error)}",
            "kubectl cluster-info tries the same; is a VPN or a proxy needed?",
        )
