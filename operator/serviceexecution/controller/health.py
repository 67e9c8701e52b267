"""Answers probes: alive while work moves and watches deliver, ready once the first lists are in."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

STUCK_SECONDS: Final = 600.0
"""A pass that takes longer than this hangs: every request in it has a shorter limit of its own."""


@dataclass(slots=True)
class Health:
    """What the probes are answered from."""

    oldest_work: Callable[[], float]
    """Age in seconds of the oldest work that waits or runs."""
    ready: bool = False
    stale_watch: str = ""
    """A kind whose watch has missed changes that a list shows."""
    started: float = field(default_factory=time.monotonic)

    def problem(self) -> str:
        """Return why the process should be restarted, or an empty text."""
        if self.stale_watch:
            return f"the watch of {self.stale_watch} does not deliver changes"
        if self.oldest_work() > STUCK_SECONDS:
            return f"an execution has waited for {self.oldest_work():.0f} s"
        return ""


async def serve_health(health: Health, port: int) -> web.AppRunner:
    """Serve /healthz and /readyz on ``port``; the caller cleans the runner up."""

    async def healthz(_: web.Request) -> web.Response:
        problem = health.problem()
        return web.Response(status=503 if problem else 200, text=f"{problem or 'ok'}\n")

    async def readyz(_: web.Request) -> web.Response:
        problem = health.problem()
        ready = health.ready and not problem
        return web.Response(
            status=200 if ready else 503, text=f"{problem or ('ok' if ready else 'starting')}\n"
        )

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
