"""A large file is fetched from one gateway: ``python -m benchmarks.download``.

Says how much memory the gateway needs for it, and how fast it is next to a plain copy of the same file.
"""

import argparse
import asyncio
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.gateway_process import GatewayProcess, gateway_process
from benchmarks.polling_setup import PollingSetup, polling_setup
from serviceexecution.resources.reference import ExecutionReference
from serviceexecution.store.records import LogRecord, OutputManifest
from serviceexecution.store.store import ResultStore

MEBIBYTE: Final = 1024 * 1024
_NAME: Final = "data.bin"


async def keep(store: ResultStore, ref: ExecutionReference, mebibytes: int) -> None:
    """Store a file as if the execution had made it."""

    async def chunks() -> AsyncIterator[bytes]:
        block = bytes(range(256)) * (MEBIBYTE // 256)
        for _ in range(mebibytes):
            yield block

    written = await store.outputs.of(ref, 1).write(_NAME, chunks(), expected_size=mebibytes * MEBIBYTE)
    now = datetime.now(UTC)
    await store.outputs.commit(ref, OutputManifest(pod_uid="", files=(written.file,), committed_at=now))
    await store.logs.commit(ref, LogRecord(pod_uid="", bytes=0, lines=0, committed_at=now))


def fetch(gateway: GatewayProcess, setup: PollingSetup, path: str) -> tuple[float, float]:
    """Fetch the file; return the seconds it took and the most memory in MiB that was seen meanwhile."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{gateway.port}{path}/result/{_NAME}",
        headers={"Authorization": f"Bearer {setup.token}"},
    )
    started, most = time.monotonic(), 0
    with urllib.request.urlopen(request, timeout=60) as answer:
        count = 0
        while block := answer.read(MEBIBYTE):
            count += 1
            if count % 16 == 0:
                most = max(most, gateway.resident_bytes())
            del block
    return time.monotonic() - started, most / MEBIBYTE


def copy(directory: Path) -> float:
    """Read the stored file once and return the seconds it took."""
    (file,) = directory.rglob(_NAME)
    started = time.monotonic()
    with file.open("rb") as source:
        while source.read(MEBIBYTE):
            pass
    return time.monotonic() - started


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.download", description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=2048)
    arguments = parser.parse_args()
    console = Console()
    with polling_setup(1) as setup, tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        directory = Path(name)
        ref = setup.end_first()
        store = ResultStore.open(f"file://{directory}", "benchmark")
        asyncio.run(keep(store, ref, arguments.mebibytes))
        with gateway_process(directory) as gateway:
            before = gateway.resident_bytes() / MEBIBYTE
            took, most = fetch(gateway, setup, setup.status_paths[0])
        plain = copy(directory)
    console.print(
        f"{arguments.mebibytes} MiB in {took:.1f} s, {took / plain:.1f} times a plain read of {plain:.1f} s"
    )
    console.print(f"memory of the gateway: {before:.0f} MiB before, at most {most:.0f} MiB meanwhile")
    return 0


if __name__ == "__main__":
    sys.exit(main())
