"""Cross-origin requests of web pages (the Fetch standard), outside of everything else: errors also have its headers."""

from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from serviceexecution.gateway.http.methods import methods_at

_EXPOSED: Final = ("Location", "Link", "Retry-After", "ETag", "Content-Range", "Content-Disposition")
_ALLOWED: Final = "access-control-allow-methods"


class RouteCors(CORSMiddleware):
    """Starlette's, but a preflight names the methods that the path has."""

    def __init__(self, app: ASGIApp, origins: Sequence[str], routes: Sequence[BaseRoute]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=_EXPOSED,
        )
        self._routes = routes

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and "access-control-request-method" in headers:
                answer = self.preflight_response(request_headers=headers)
                answer.headers[_ALLOWED] = ", ".join(methods_at(self._routes, scope))
                await answer(scope, receive, send)
                return
        await super().__call__(scope, receive, send)
