"""``sx console`` and ``sx open``: the console, and its page of one thing."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from serviceexecution.cli.commands.listing import SERVICE_PREFIX
from serviceexecution.cli.options import ContextOption, GatewayOption, NamespaceOption

if TYPE_CHECKING:
    from serviceexecution.cli.session import Session

PortOption = Annotated[
    int, typer.Option(metavar="PORT", min=0, max=65535, help="Port on this machine; 0 for any.")
]
BrowserOption = Annotated[bool, typer.Option(help="Open the browser, or only print the address.")]
_PAGES: Final = "#/n/{namespace}/{kind}/{id}"


def console(
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    port: PortOption = 0,
    browser: BrowserOption = True,
) -> None:
    """Show the console in the browser, signed in as you.

    It is served by a proxy on this machine that uses your kubeconfig. Ctrl-C ends it.

    \b
    Examples:
      sx console                    # the executions of the context's namespace
      sx console --no-browser       # only the address, to be opened on this machine
    """
    from serviceexecution.cli.browser.showing import show_console
    from serviceexecution.cli.session import open_session

    with open_session(context, namespace, gateway) as session:
        show_console(session, port=port, browser=browser)


def open_page(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID|SERVICE",
            help="An execution by name or id, or a service; service/NAME where an execution has the same name.",
        ),
    ],
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    port: PortOption = 0,
    browser: BrowserOption = True,
) -> None:
    """Open the console's page of an execution or a service. Ctrl-C ends it.

    The page is shown through the same proxy on this machine as by sx console, signed in through your kubeconfig.

    \b
    Examples:
      sx open 5f0c…
      sx open plot
      sx open 5f0c… --no-browser    # only the address, to be opened on this machine
    """
    from serviceexecution.cli.browser.showing import show_console
    from serviceexecution.cli.session import open_session

    with open_session(context, namespace, gateway) as session:
        show_console(session, page=page_of(session, name), port=port, browser=browser)


def page_of(session: "Session", name: str) -> str:
    """Return where the console shows an execution or a service; raises CommandError when there is none."""
    from serviceexecution.cli.errors import CommandError
    from serviceexecution.contract.json_types import text_at
    from serviceexecution.kube.kinds import SERVICE_DEFINITIONS, SERVICE_EXECUTIONS

    if name.startswith(SERVICE_PREFIX):
        found = session.service_object(name.removeprefix(SERVICE_PREFIX))
        return _page(session, "services", text_at(found, "metadata", "uid"))
    if session.api.get(SERVICE_EXECUTIONS, session.namespace, name) is None:
        service = session.api.get(SERVICE_DEFINITIONS, session.namespace, name)
        if service is not None:
            return _page(session, "services", text_at(service, "metadata", "uid"))
    try:
        execution = session.execution(name)
    except CommandError:
        raise CommandError(
            f"There is neither an execution nor a service {name} in namespace {session.namespace}; see them with: "
            f"sx list{session.flags}, sx services{session.flags}"
        ) from None
    return _page(session, "executions", execution.api_id)


def _page(session: "Session", kind: str, identifier: str) -> str:
    from urllib.parse import quote

    return _PAGES.format(namespace=quote(session.namespace), kind=kind, id=quote(identifier, safe=""))
