"""``sx console``."""

import contextlib
from typing import Annotated

import typer

from serviceexecution.cli.console import note
from serviceexecution.cli.options import ContextOption, GatewayOption, NamespaceOption


def console(
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 for any.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the browser, or only print the address.")] = True,
) -> None:
    """Show the console in the browser, signed in through your kubeconfig. Ctrl-C ends it.

    \b
      sx console                    the executions of the context's namespace
      sx console --no-browser       only the address, to be opened on this machine
    """
    from serviceexecution.cli.browser.opening import shown_in_browser
    from serviceexecution.cli.browser.proxy import ConsoleProxy
    from serviceexecution.cli.session import open_session

    with open_session(context, namespace, gateway) as session, contextlib.ExitStack() as stack:
        session.channel.caller.headers()  # Without a token there is nothing to show, and this says why
        server = stack.enter_context(ConsoleProxy(session.channel, session.namespace, port=port))
        print(server.url, flush=True)
        if browser and not stack.enter_context(shown_in_browser(server.url)):
            note("There is no browser here: open the address yourself, on this machine.")
        note("It shows what you may see to everybody who knows this address. Ctrl-C ends it.")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
