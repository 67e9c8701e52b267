"""What a pass of the sweep costs: ``python -m benchmarks.sweeping``.

A directory is filled with what executions leave, and served by versitygw. One pass is measured without anything between
it and the server, and a second one is counted by a proxy.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from serviceexecution.store.store import ResultStore
from serviceexecution.store.sweep import SweepPlan, sweep
from tests.support.fault_proxy import FaultProxy
from tests.support.store_servers import BUCKET, StoreServer, store_server

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_CLUSTER = "cluster"
_OF_NAMESPACE = 2000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeping", description=__doc__)
    parser.add_argument("--executions", type=int, default=100_000)
    number = parser.parse_args().executions
    with tempfile.TemporaryDirectory() as directory, store_server("s3", Path(directory)) as server:
        _fill(Path(directory) / "data" / BUCKET / "kept" / _CLUSTER, number)
        asyncio.run(_measure(server, number))


def _executions(number: int) -> Iterator[tuple[str, str]]:
    for one in range(number):
        yield f"team-{one // _OF_NAMESPACE}", f"5c0f8a6e-0000-4000-8000-{one:012}"


def _fill(root: Path, number: int) -> None:
    """Half of them have an expiry, and a fifth are gone and marked since yesterday."""
    expires, marked = NOW + timedelta(days=30), NOW - timedelta(days=1)
    for one, (namespace, uid) in enumerate(_executions(number)):
        places = [root / namespace / uid / "log.json"]
        if one % 2 == 0:
            places.append(root / "!expiries" / namespace / f"{uid}.{expires:%Y%m%dT%H%M%SZ}")
        if one % 5 == 0:
            places.append(root / "!tombstones" / namespace / f"{uid}.{marked:%Y%m%dT%H%M%SZ}.seen")
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"{}")


async def _measure(server: StoreServer, number: int) -> None:
    before = _peak_mebibytes()
    wall, processor = time.perf_counter(), time.process_time()
    plan = await _sweep(server, server.address, number)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    memory = _peak_mebibytes() - before
    proxy = FaultProxy(server.address)
    async with proxy.serving():
        await _sweep(server, proxy.url, number)
    table = Table(
        "stored executions", "requests", "seconds", "of processor", "memory above before", "deleted"
    )
    table.add_row(
        f"{number:,}",
        str(len(proxy.requests)),
        f"{wall:.1f}",
        f"{processor:.1f}",
        f"{memory:.0f} MiB",
        str(len(plan.delete)),
    )
    Console().print(table)


async def _sweep(server: StoreServer, address: str, number: int) -> SweepPlan:
    credentials = {name.lower(): value for name, value in server.credentials.items()}
    options = {**server.options, **credentials, "endpoint": address}
    store = ResultStore.open(server.url("kept"), _CLUSTER, options)

    async def live() -> set[str]:
        return {uid for one, (_, uid) in enumerate(_executions(number)) if one % 5}

    return await sweep(store, live, NOW)


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
