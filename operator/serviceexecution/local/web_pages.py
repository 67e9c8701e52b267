"""Which web pages may call what asks nobody who he is: those of this machine.

A browser lets the page of any site send some requests to this address, such as a POST without a Content-Type, and only
keeps the answer from it. The program would run all the same, with an input of that page's choice.
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from serviceexecution.gateway.http.problems import Problem, response_of

HOSTS: Final = ("127.0.0.1", "localhost")
"""What this machine is called here."""


class OwnPages:
    """ASGI middleware that refuses what a page of another machine sends. Whoever is no page sends no Origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and not all(
            map(is_of_this_machine, Headers(scope=scope).getlist("origin"))
        ):
            problem = Problem(HTTPStatus.FORBIDDEN, "Forbidden", "Pages of other origins may not call.")
            await response_of(problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_of_this_machine(origin: str) -> bool:
    """Tell whether an Origin is that of a page that this machine serves, at any port. Pure."""
    try:
        return urlsplit(origin).hostname in HOSTS
    except ValueError:
        return False
