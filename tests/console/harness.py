"""A page of the console, and what happens in the cluster meanwhile."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, Self

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from cluster.console_files import install
from cluster.settings import CHECKOUT, cache_home
from serviceexecution.kube.kinds import SERVICE_EXECUTIONS
from serviceexecution.store.records import UsagePoint, UsageSeries
from serviceexecution.store.usage.sums import UsageNote
from tests.support.served_gateway import ServedGateway
from tests.unit.gateway.service_api.service_cluster import NAMESPACE, SERVICE
from tests.unit.gateway.service_api.service_harness import JSON

PICTURES: Final = "SX_SCREENSHOTS"
"""The variable that asks for the pictures of the docs."""
WIDE: Final = 1280
NARROW: Final = 390
HEIGHT: Final = 844
DEADLINE: Final = 60_000
"""Milliseconds until what is waited for is missing. To load Plotly takes two seconds of a processor that is free."""
LOOKS: Final[tuple[tuple[int, Literal["light", "dark"]], ...]] = (
    (WIDE, "light"),
    (WIDE, "dark"),
    (NARROW, "light"),
    (NARROW, "dark"),
)
LINE: Final = "2026-11-23T14:18:55.645123456Z "
FINAL: Final[dict[str, Any]] = {
    "startTime": "2026-11-28T12:00:00Z",
    "completionTime": "2026-11-28T12:00:05Z",
    "attempts": 1,
}
_MATTERS: Final = frozenset({"serious", "critical"})


class Console:
    """A context manager; ``page`` is Playwright's page. It notes what the browser complains about."""

    def __init__(
        self, browser: Browser, gateway: ServedGateway, *, ignore_https_errors: bool = False
    ) -> None:
        self.gateway = gateway
        self.service = gateway.service
        # Without transitions: a colour is looked at when it is there
        self._context = browser.new_context(
            viewport={"width": WIDE, "height": HEIGHT},
            reduced_motion="reduce",
            ignore_https_errors=ignore_https_errors,
        )
        self._context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(DEADLINE)
        expect.set_options(timeout=DEADLINE)
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request))  # noqa: PLW0108 - no built-in method can listen

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def _note(self, message: ConsoleMessage) -> None:
        # The browser's own line about a request that failed is no complaint about the page
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def open(self, path: str = "/") -> None:
        """Go to a page of the console."""
        self.page.goto(f"{self.gateway.address}/console/#{path}")

    def sign_in(self, path: str = "", credential: str = "alice-token") -> None:
        self.open(path or f"/n/{NAMESPACE}/executions")
        self.page.get_by_label("Access key or token").fill(credential)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def go(self, path: str) -> None:
        """Go to another page without loading the console anew, which would sign out."""
        self.page.evaluate("path => { location.hash = path }", path)

    def look(self, width: int, scheme: Literal["light", "dark"]) -> None:
        """Show the page in a window of that width, in these colours."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.page.wait_for_function(
            "scheme => document.documentElement.dataset.mantineColorScheme === scheme", arg=scheme
        )
        self.page.evaluate(
            "() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
        )

    def check(self, picture: str = "") -> None:
        """Look at the page in each look: it fits the window, and axe and the browser have no complaint.

        The last look stays: what a test does behind it, it does on a phone.
        """
        for look in LOOKS:
            self.look(*look)
            assert (found := self.findings()) == [], (look, found)
            assert self.overflow() <= 0, look
            if picture and look == LOOKS[0]:
                self.picture(picture)
        assert self.complaints == [], self.complaints

    def findings(self) -> list[str]:
        """Return what axe finds that is serious, as rule and place."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate((install(cache_home()) / "axe-core/axe.min.js").read_text())
        found: dict[str, Any] = self.page.evaluate(
            "async () => (await axe.run(document, {iframes: false, resultTypes: ['violations']}))"
        )
        return [
            f"{one['id']}: {[(node['target'], node['failureSummary']) for node in one['nodes']]}"
            for one in found["violations"]
            if one["impact"] in _MATTERS
        ]

    def picture(self, name: str) -> None:
        """Keep a picture of the page for the docs, when it is asked for."""
        if os.environ.get(PICTURES):
            self.page.screenshot(path=CHECKOUT / "docs" / "images" / f"{name}.png", animations="disabled")

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return width

    def submit(self, body: Mapping[str, object] | None = None) -> str:
        async def post() -> str:
            text: str = await self.service.started(body=json.dumps(body or {}).encode(), headers=JSON)
            return text

        return self.gateway.run(post())

    def seed(self, name: str, **parts: Any) -> None:
        """Make an execution as somebody else would."""

        async def seed() -> None:
            created = parts.pop("created", "2026-11-28T11:59:00Z")
            spec = {"serviceRef": {"name": SERVICE}, **parts.pop("spec", {})}
            annotations = parts.pop("annotations", {})
            self.service.cluster.seed(
                SERVICE_EXECUTIONS,
                NAMESPACE,
                name,
                metadata={"creationTimestamp": created, "annotations": annotations},
                spec=spec,
                **parts,
            )
            self.service.state.note(self.service.cluster.objects["serviceexecutions", NAMESPACE, name])

        self.gateway.run(seed())

    def end(self, name: str, files: Mapping[str, bytes] | None = None, **status: Any) -> None:
        """Let an execution end with such files."""

        async def finish() -> None:
            facts = {**FINAL, "message": "The program ended with exit code 0.", **status}
            reference = self.service.finish(name, facts.pop("phase", "Succeeded"), **facts)
            await self.service.keep(reference, files or {})

        self.gateway.run(finish())

    def log(self, name: str, *lines: str) -> None:
        async def write() -> None:
            known = await self.service.state.execution(NAMESPACE, SERVICE, name)
            data = "".join(f"{LINE}{line}\n" for line in lines).encode()
            await self.service.store.logs.of(known.reference, 1).write(1, data)

        self.gateway.run(write())

    def used(self, name: str, *points: tuple[float, int]) -> None:
        """Keep what an execution has used, a point each second from its start: CPU seconds and bytes of memory."""
        started = datetime.fromisoformat(FINAL["startTime"])
        first = int(started.timestamp() * 1000)
        told = tuple(
            UsagePoint(time=first + 1000 * number, cpu_seconds=cpu, memory_bytes=memory)
            for number, (cpu, memory) in enumerate(points, 1)
        )

        async def keep() -> None:
            known = await self.service.state.execution(NAMESPACE, SERVICE, name)
            series = UsageSeries(pod_uid="p", started_at=first, cpu_limit=2.0, points=told)
            await self.service.store.usage.write_series(known.reference, series)
            note = UsageNote(known.uid, "S", cpu_milliseconds=int(points[-1][0] * 1000), mebibyte_seconds=3)
            await self.service.store.usage_sums.note(NAMESPACE, SERVICE, started, note)

        self.gateway.run(keep())
