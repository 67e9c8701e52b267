"""Two thousand clients wait for an execution to change: ``python -m benchmarks.holding``.

A gateway process of this checkout on loopback, the cluster of KUBECONFIG behind it, and executions that wait in a queue
which nobody admits. Each client asks for a status with ``Prefer: wait`` on a connection of its own. It says what one
held request costs, and how long after the end of an execution all who wait for it have been told.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.gateway_process import GatewayProcess, gateway_process
from benchmarks.polling_setup import PollingSetup, polling_setup

WAIT_SECONDS: Final = 30
_OPENED_AT_ONCE: Final = 50
_QUIET_SECONDS: Final = 8.0


async def _wait(port: int, path: str, token: str) -> tuple[int, float]:
    """Ask once; return the status of the answer and when it came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Prefer: wait={WAIT_SECONDS}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), time.monotonic()
    finally:
        writer.close()


async def measure(gateway: GatewayProcess, setup: PollingSetup, held: int) -> dict[str, object]:
    """Return the figures of so many held requests."""
    await _wait(gateway.port, f"{setup.status_paths[0]}/no", setup.token)  # Loads what a first request loads
    resident = gateway.resident_bytes()
    waiting = []
    for number in range(held):
        path = setup.status_paths[number % len(setup.status_paths)]
        waiting.append(asyncio.create_task(_wait(gateway.port, path, setup.token)))
        if number % _OPENED_AT_ONCE == 0:
            await asyncio.sleep(0.05)
    await asyncio.sleep(3)
    open_now = sum(not one.done() for one in waiting)
    grown = gateway.resident_bytes() - resident
    requests, cpu, begun = gateway.kubernetes_requests(), gateway.cpu_seconds(), time.monotonic()
    await asyncio.sleep(_QUIET_SECONDS)
    cpu_share = (gateway.cpu_seconds() - cpu) / (time.monotonic() - begun)
    asked = sum(gateway.kubernetes_requests().values()) - sum(requests.values())
    await asyncio.to_thread(setup.end_first)
    ended = time.monotonic()
    answers = await asyncio.gather(*waiting[:: len(setup.status_paths)])
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return {
        "held": open_now,
        "bytes of memory each": round(grown / max(1, open_now)),
        "CPU while nothing changes (cores)": round(cpu_share, 4),
        "requests to the API server meanwhile": asked,
        "clients of the execution that ended": len(answers),
        "answers": sorted({status for status, _ in answers}),
        "last of them told after (s)": round(max(at for _, at in answers) - ended, 3),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held", type=int, default=1990, help="a gateway holds 2,000")
    parser.add_argument("--executions", type=int, default=10)
    options = parser.parse_args(arguments)
    with (
        polling_setup(options.executions) as setup,
        tempfile.TemporaryDirectory() as directory,
        gateway_process(Path(directory)) as gateway,
    ):
        print(json.dumps(asyncio.run(measure(gateway, setup, options.held)), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
