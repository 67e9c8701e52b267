"""Which paths are served at which port: what pods call has one of its own, so that what is put in front of the Service
API does not open it.

Pods of versions that knew only the Service API's port go on calling that one. Proxies say in a header for whom they
ask, and no collector or builder does.
"""

from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from serviceexecution.gateway.http.problems import Problem, response_of

_FOR_PODS: Final = ("/collect/", "/build/")
_OF_PROXIES: Final = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"})


class Doors:
    """ASGI middleware: answers 404 to what is asked at the wrong port."""

    def __init__(self, app: ASGIApp, pods_port: int, pods_at_api_port: str) -> None:
        """``pods_at_api_port`` is always, direct or never, as the setting of that name."""
        self._app = app
        self._port = pods_port
        self._at_api = pods_at_api_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and not self._is_open(scope):
            detail = "There is nothing at this path on this port."
            await response_of(Problem(HTTPStatus.NOT_FOUND, "NotFound", detail))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        for_pods: bool = scope["path"].startswith(_FOR_PODS)
        server = scope.get("server")
        if self._port and server is not None and server[1] == self._port:
            return for_pods
        if not for_pods or self._at_api == "always":
            return True
        return self._at_api == "direct" and not any(name in _OF_PROXIES for name, _ in scope["headers"])
