"""Which methods a path has. HEAD is there wherever GET is, and OPTIONS everywhere (RFC 9110, section 9)."""

from collections.abc import Sequence
from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

_ASKED: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ONLY_ASKED: Final = "serviceexecution.only_asked"
"""Set in a scope that is no request: it asks which routes there are."""


class CatchAllRoute(APIRoute):
    """A route that refuses whatever no other route takes: no path has a method because of it."""

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a request is this route's."""
        return (Match.NONE, {}) if _ONLY_ASKED in scope else super().matches(scope)


def routed(routes: Sequence[BaseRoute], scope: Scope, method: str) -> bool:
    """Tell whether a route takes the path of ``scope`` with a method."""
    asked: Scope = {
        "type": "http",
        "path": scope["path"],
        "headers": scope["headers"],
        "method": method,
        _ONLY_ASKED: True,
    }
    return any(route.matches(asked)[0] is Match.FULL for route in routes)


def methods_at(routes: Sequence[BaseRoute], scope: Scope) -> list[str]:
    """Return the methods that are possible at the path of ``scope``, without OPTIONS; none where nothing is."""
    found = [method for method in _ASKED if routed(routes, scope, method)]
    if "GET" in found:
        found.insert(1, "HEAD")
    elif routed(routes, scope, "HEAD"):
        found.insert(0, "HEAD")
    return found


class HeadOfGet:
    """ASGI middleware: answers HEAD by the route of GET, and without its body, where no route has HEAD itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or routed(scope["app"].routes, scope, "HEAD"):
            await self._app(scope, receive, send)
            return
        over = False

        async def head_alone(message: Message) -> None:
            nonlocal over
            if over:
                return
            if message["type"] == "http.response.start":
                await send(message)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            over = True
            await send(message)

        async def unless_over() -> Message:
            # What streams without end waits for this
            return {"type": "http.disconnect"} if over else await receive()

        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, unless_over, head_alone)
        finally:
            if "route" in asked:  # For the access log
                scope["route"] = asked["route"]
