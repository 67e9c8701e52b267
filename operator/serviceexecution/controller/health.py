"""Answers probes: alive while work moves and watches deliver, ready once the first lists are in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from serviceexecution.store.storage.answers import away_sentence

STUCK_SECONDS: Final = 600.0
"""A pass that takes longer than this hangs: every request in it has a shorter limit of its own."""


def _always_there() -> datetime | None:
    """Say that the store answers: nobody has asked it yet."""
    return None


def _nothing_runs() -> float:
    """Say that no pass runs: nothing does before there is a controller."""
    return 0.0


@dataclass(slots=True)
class Health:
    """What the probes are answered from."""

    longest_pass: Callable[[], float] = _nothing_runs
    """Returns how many seconds the longest of the current passes has run. Waiting keys do not count: they are load,
    and a restart would make more of it."""
    store_away_since: Callable[[], datetime | None] = _always_there
    """Returns since when the store answers nothing. It is said, and no reason for anything."""
    ready: bool = False
    stale_watch: str = ""
    """A kind whose watch has delivered nothing for a while, although a list shows changes."""
    unwatched: str = ""
    """A namespace that could not be read at the start and can be now: only a new start watches it."""

    def problem(self) -> str:
        """Return why the process should be restarted, or an empty text."""
        if self.stale_watch:
            return f"the watch of {self.stale_watch} does not deliver changes"
        if self.unwatched:
            return f"the namespace {self.unwatched} may be read again, which a new start is needed for"
        if self.longest_pass() > STUCK_SECONDS:
            return f"a pass has run for {self.longest_pass():.0f} s"
        return ""


async def serve_health(health: Health, port: int) -> web.AppRunner:
    """Serve /healthz and /readyz on ``port``; the caller cleans the runner up."""

    async def healthz(_: web.Request) -> web.Response:
        problem = health.problem()
        return web.Response(status=503 if problem else 200, text=f"{problem or 'ok'}\n")

    async def readyz(_: web.Request) -> web.Response:
        problem = health.problem()
        ready = health.ready and not problem
        since = health.store_away_since()
        said = "ok" if since is None else f"ok. {away_sentence(since)}"
        return web.Response(
            status=200 if ready else 503, text=f"{problem or (said if ready else 'starting')}\n"
        )

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
