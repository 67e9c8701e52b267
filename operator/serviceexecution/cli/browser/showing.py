"""The console in the browser until Ctrl-C, at its beginning or at one of its pages."""

import contextlib

from serviceexecution.cli.browser.opening import shown_in_browser
from serviceexecution.cli.browser.proxy import ConsoleProxy
from serviceexecution.cli.console import note
from serviceexecution.cli.session import Session


def show_console(session: Session, *, page: str = "", port: int = 0, browser: bool = True) -> None:
    """Serve the console on this machine until Ctrl-C, print its address, and open it where ``browser``.

    ``page`` is what stands behind the console's address, from the # on.
    """
    with contextlib.ExitStack() as stack:
        session.channel.caller.headers()  # Without a token there is nothing to show, and this says why
        server = stack.enter_context(ConsoleProxy(session.channel, session.namespace, port=port))
        url = f"{server.url}{page}"
        print(url, flush=True)
        if browser and not stack.enter_context(shown_in_browser(url)):
            note("There is no browser here: open the address yourself, on this machine.")
        note("It shows what you may see to everybody who knows this address. Ctrl-C ends it.")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
