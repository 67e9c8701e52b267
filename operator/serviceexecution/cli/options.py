"""Options that many commands have."""

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from serviceexecution.cli.errors import CommandError
from serviceexecution.contract.durations import DurationError, parse_duration


class Output(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"


def complete_context(incomplete: str) -> list[str]:
    """Return the kubeconfig's contexts that begin so."""
    from serviceexecution.kube.configuration.kubeconfig import context_names

    return [name for name in context_names() if name.startswith(incomplete)]


def complete_service(context: typer.Context, incomplete: str) -> list[str]:
    """Return the services that begin so, none when the cluster cannot be asked."""
    import httpx

    from serviceexecution.cli.session import open_session
    from serviceexecution.kube.errors import KubernetesError
    from serviceexecution.kube.kinds import SERVICE_DEFINITIONS

    where = {name: str(context.params.get(name) or "") for name in ("context", "namespace")}
    with (
        contextlib.suppress(CommandError, KubernetesError, httpx.HTTPError),
        open_session(**where) as session,
    ):
        found = session.api.list(SERVICE_DEFINITIONS, session.namespace)
        names = [item["metadata"]["name"] for item in found if isinstance(item["metadata"], dict)]
        return [str(name) for name in names if str(name).startswith(incomplete)]
    return []


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print the answer.")]
ContextOption = Annotated[
    str,
    typer.Option(
        "--context",
        metavar="CONTEXT",
        help="Context of the kubeconfig; the current one by default.",
        autocompletion=complete_context,
    ),
]
NamespaceOption = Annotated[
    str,
    typer.Option("--namespace", "-n", metavar="NAMESPACE", help="Namespace; the context's own by default."),
]
GatewayOption = Annotated[
    str,
    typer.Option(
        "--gateway",
        envvar="SX_GATEWAY",
        metavar="NAMESPACE/SERVICE",
        help="Service of the gateway; serviceexecution-system/serviceexecution-gateway by default.",
        show_default=False,
    ),
]
RawOption = Annotated[
    bool, typer.Option("--raw", help="Print the program's control characters to a terminal unchanged.")
]
StatusOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="PHASE",
        help="Only executions in this phase, or in one of several with commas: running,pending.",
    ),
]
ServiceOption = Annotated[
    str,
    typer.Option(
        "--service",
        metavar="SERVICE",
        help="Only executions of this service.",
        autocompletion=complete_service,
    ),
]
TagOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag", metavar="TAG", help="Only executions with this tag; given several times, with all of them."
    ),
]
SinceOption = Annotated[
    str,
    typer.Option(
        "--since", metavar="DURATION", help="Only executions that are not older than this, such as 90m or 2d."
    ),
]
OlderOption = Annotated[
    str,
    typer.Option(
        "--older", metavar="DURATION", help="Only executions that are older than this, such as 12h or 30d."
    ),
]
TextOption = Annotated[
    str,
    typer.Option(
        "--text",
        metavar="TEXT",
        help="Only executions with this text in id, service, reason, message or a tag.",
    ),
]
AllNamespacesOption = Annotated[
    bool, typer.Option("--all-namespaces", "-A", help="Executions of all namespaces.")
]
ProjectArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="Folder of the project; this one by default.",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]
ServiceArgument = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE", help="Name of a service, as sx services shows it.", autocompletion=complete_service
    ),
]
ExecutionArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Name of an execution, or the id that the Service API shows.")
]
DetachOption = Annotated[bool, typer.Option("--detach", help="Print the id at once and do not wait.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show neither phases nor log.")]
TimeoutOption = Annotated[
    str,
    typer.Option(
        "--timeout", metavar="DURATION", help="How long to wait, such as 90s or 1h30m; no limit by default."
    ),
]
ServiceUrlOption = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="SERVICE_URL",
        help="The service's URL, …/services/NAMESPACE/NAME, for use without a kubeconfig.",
    ),
]
TokenOption = Annotated[
    str, typer.Option(metavar="TOKEN", envvar="SERVICE_API_TOKEN", help="A bearer token, with --url.")
]
KeyIdOption = Annotated[
    str, typer.Option(metavar="ID", envvar="SERVICE_API_KEY_ID", help="An access key's id, with --url.")
]
KeySecretOption = Annotated[
    str,
    typer.Option(
        metavar="SECRET", envvar="SERVICE_API_KEY_SECRET", help="The access key's secret, with --url."
    ),
]


def seconds_of(duration: str, *, option: str) -> float | None:
    """Return a duration's seconds, None for ""; raises CommandError that names the option."""
    if not duration:
        return None
    try:
        return parse_duration(duration, field=option)
    except DurationError as error:
        raise CommandError(str(error)) from None
