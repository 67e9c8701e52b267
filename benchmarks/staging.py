"""A data pool is brought into a folder from one gateway: ``python -m benchmarks.staging``.

Says how fast that is next to ``cp`` and ``sha256sum`` of the same bytes, one after the other, in the same run.
"""

import argparse
import asyncio
import logging
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console

from serviceexecution.store.pools.changes import Change
from serviceexecution.store.pools.pool_store import PoolStore
from serviceexecution.store.pools.records import PoolFile, file_id
from tests.processes.collector.live import LiveGateway
from tests.processes.stage_in.staged import StagedPool

MEBIBYTE: Final = 1024 * 1024


async def chunks(mebibytes: int) -> AsyncIterator[bytes]:
    """Give so many bytes that nobody can make smaller."""
    block = secrets.token_bytes(MEBIBYTE)
    for _ in range(mebibytes):
        yield block


async def fill(store: PoolStore, pool: StagedPool, count: int, mebibytes: int) -> str | None:
    """Put ``count`` files into the pool, so large together; return the digest of its state."""
    changes = []
    for number in range(count):
        written = await store.write_blob(pool.reference, chunks(mebibytes // count))
        file = PoolFile(
            name=f"{number}.bin",
            id=file_id(pool.reference.uid, f"{number}.bin"),
            sha256=written.sha256,
            size=written.size,
            content_type="application/octet-stream",
            created_at=datetime.now(UTC),
            blob=written.blob,
        )
        changes.append(Change.put(file))
    planned = await store.plan(pool.reference, await store.read_index(pool.reference, None), changes)
    await store.write_index(pool.reference, planned)
    return planned.index.digest


def plainly(pool: StagedPool, target: Path) -> float:
    """Copy the same bytes and hash the copy; return the seconds it took."""
    target.mkdir()
    started = time.monotonic()
    subprocess.run(["cp", *pool.blobs(), target], check=True)
    subprocess.run(["sha256sum", *target.iterdir()], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def main() -> int:
    """Print the figures; fail when staging takes more than twice as long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.staging", description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--files", type=int, default=4)
    arguments = parser.parse_args()
    # The gateway is in this process, and logs each request
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        gateway = LiveGateway(Path(name))
        gateway.kubernetes.add_execution()  # type: ignore[no-untyped-call]
        pool = StagedPool(gateway, Path(name))
        index = asyncio.run(fill(gateway.store.pools, pool, arguments.files, arguments.mebibytes))
        used = {"property": "numbers", "name": "numbers", "uid": pool.reference.uid, "index": index}
        pool.record(used)
        plain = plainly(pool, Path(name) / "plain")
        started = time.monotonic()
        code, log = pool.run()
        took = time.monotonic() - started
        gateway.stop(abruptly=True)
    if code:
        raise RuntimeError(log)
    rate = arguments.mebibytes / took
    Console().print(
        f"{arguments.mebibytes} MiB in {arguments.files} files: {took:.2f} s ({rate:.0f} MiB/s), cp and sha256sum "
        f"{plain:.2f} s: {plain / took:.2f} of their rate",
        soft_wrap=True,
    )
    return 0 if plain / took >= 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
