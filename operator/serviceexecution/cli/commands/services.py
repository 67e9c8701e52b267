"""``sx services``."""

from serviceexecution.cli.console import note, say_json, say_table
from serviceexecution.cli.options import ContextOption, GatewayOption, NamespaceOption, Output, OutputOption
from serviceexecution.cli.summaries import ServiceSummary, service_summary, shown_seconds
from serviceexecution.contract.json_types import JsonObject


def services(
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """List the services of a namespace with their URLs.

    \b
    Examples:
      sx services
      sx services -n team-a -o json | jq -r '.[].url'
    """
    from serviceexecution.cli.session import open_session
    from serviceexecution.kube.kinds import SERVICE_DEFINITIONS

    with open_session(context, namespace, gateway) as session:
        found = [service_summary(item) for item in session.api.list(SERVICE_DEFINITIONS, session.namespace)]
        urls = {view.name: session.service_url(view.name) for view in found}
    if output is Output.JSON:
        say_json([_document(view, urls[view.name]) for view in found])
        return
    if not found:
        note(f"There are no services in namespace {session.namespace}; create one with: sx deploy")
        return
    rows = [
        (view.name, view.phase, view.serving, shown_seconds(view.created, None), urls[view.name])
        for view in found
    ]
    say_table(("NAME", "PHASE", "REVISION", "AGE", "URL"), rows)


def _document(view: ServiceSummary, url: str) -> JsonObject:
    ready = view.conditions.get("Ready")
    return {
        "name": view.name,
        "namespace": view.namespace,
        "phase": view.phase or None,
        "message": ready.message if ready is not None else None,
        "revision": view.serving or None,
        "pinned": view.pinned or None,
        "image": view.image or None,
        "url": url,
    }
