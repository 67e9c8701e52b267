"""The second address of each service and namespace, at which clients wait that know nothing of waiting."""

import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

WAITS: Final = "serviceexecution.waits"
"""Set in the scope of a request that came by it."""
_ADDRESS: Final = re.compile(rb"(/+services/+[^/]+/+[^/]+|/+platform/+[^/]+)/+wait(/.*|\Z)", re.DOTALL)


class WaitingAddress:
    """ASGI middleware: `/services/<namespace>/<service>/wait` is that service, and `/platform/<namespace>/wait` that
    namespace, but a repeated question for a status is held until there is something new.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            raw: bytes = scope.get("raw_path") or scope["path"].encode()
            found = _ADDRESS.fullmatch(raw)
            if found is not None:
                path = _ADDRESS.fullmatch(scope["path"].encode())
                if path is not None:
                    scope = {
                        **scope,
                        "raw_path": b"".join(found.groups()),
                        "path": b"".join(path.groups()).decode(),
                        WAITS: True,
                    }
        await self._app(scope, receive, send)
