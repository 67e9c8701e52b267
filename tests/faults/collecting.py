"""The real collector's work in a thread, whose requests reach the real gateway without a network.

It stands still where it would sleep, until the kubelet lets it go on: time is the test's.
"""

import asyncio
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final, cast

from serviceexecution.collector.gateway_client import GatewayClient
from serviceexecution.collector.http_client import Response
from serviceexecution.collector.meter import Meter
from serviceexecution.collector.settings import Settings
from serviceexecution.collector.work import work
from tests.faults.processes import Killed, Process

Ask = Callable[[str, str, dict[str, str], bytes], Awaitable[tuple[int, dict[str, str], bytes]]]
"""Sends a request to the gateway; raises ConnectionError when there is none."""
_PATIENCE: Final = 20.0


class Collector:
    """One life of a collector."""

    def __init__(
        self, process: Process, ask: Ask, directory: Path, *, stopped: bool, now: Callable[[], float]
    ) -> None:
        self.process = process
        self.committed: bool | None = None
        """None while it works."""
        self._ask = ask
        self._now = now
        self._wake_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._still = asyncio.Event()
        self._go_on = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(directory, stopped), daemon=True)
        self._begun = False

    async def step(self) -> None:
        """Let it work until it sleeps or ends."""
        if (
            self.committed is not None
            or not self.process.alive
            or (self._begun and self._now() < self._wake_at)
        ):
            return
        self._still.clear()
        if self._begun:
            self._go_on.set()
        else:
            self._begun = True
            self._thread.start()
        async with asyncio.timeout(_PATIENCE):
            await self._still.wait()

    async def end(self) -> None:
        """Kill it, if it has not ended."""
        self.process.alive = False
        self._go_on.set()
        while self._thread.is_alive():  # noqa: ASYNC110 - a thread tells nobody
            await asyncio.sleep(0.0005)

    def _run(self, directory: Path, stopped: bool) -> None:
        with tempfile.NamedTemporaryFile("w", delete=False) as token:
            token.write("collector")
        try:
            settings = Settings(
                {
                    "SX_GATEWAY_URL": "http://gateway",
                    "SX_TOKEN_FILE": token.name,
                    "SX_OUTPUT_DIRECTORY": str(directory / "output"),
                    "SX_TERMINATION_LOG": str(directory / "last-word"),
                }
            )
            gateway = GatewayClient(settings, sleep=self._sleep)
            cast("Any", gateway).http = self
            asked = time.monotonic() if stopped else None
            self.committed = work(settings, cast("Any", _Over()), gateway, cast("Any", _Stop(asked)))
        except Killed:
            self.process.alive = False
        finally:
            Path(token.name).unlink()
            self._loop.call_soon_threadsafe(self._still.set)

    def _sleep(self, seconds: float) -> None:
        self.process.check()
        self._wake_at = self._now() + seconds
        self._go_on.clear()
        self._loop.call_soon_threadsafe(self._still.set)
        self._go_on.wait()
        self.process.check()

    # As HttpClient -----------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: Iterable[bytes] = (),
        **_: object,
    ) -> Response:
        data = b"".join(bytes(piece) for piece in body)

        async def send() -> Response:
            what = f"{method} {target.split('/')[3]}"
            answer = await self.process.write(
                what, lambda: self._ask(method, target, headers, data), ConnectionError
            )
            return Response(*answer)

        try:
            return asyncio.run_coroutine_threadsafe(send(), self._loop).result()
        except ConnectionError as error:
            raise OSError(str(error)) from None


class _Over:
    """Main has ended, and was not measured."""

    def __init__(self) -> None:
        self.meter = Meter(None)

    def wait(self, **_: object) -> None:
        return


class _Stop:
    def __init__(self, requested_at: float | None) -> None:
        self.requested_at = requested_at
