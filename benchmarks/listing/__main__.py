"""What lists of the platform's API cost: ``python -m benchmarks.listing [--executions N]``.

A gateway process of this checkout, and beside it a process that stands for the API server: it has so many ended
executions, all of one namespace. Each list is asked for one after the other on one connection. While the dearest of
them is asked for without a pause, a witness of the same gateway reads the state of an execution.
"""

import argparse
import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.gateway_process import GatewayProcess, gateway_process
from benchmarks.listing.executions import NAMESPACE, created, execution, service_uid
from serviceexecution.contract.json_types import text_at

_MIB: Final = 2**20
_KNOWN_SECONDS: Final = 300.0
_HEADERS: Final = {"X-Auth-Token": "token"}
_DEAREST: Final = "text=singular"


def lists(number: int) -> dict[str, str]:
    """Return what is measured, and the path of each below the namespace."""
    middle: dict[str, object] = {
        "createdAfter": _time(number // 2),
        "createdBefore": _time(number // 2 + number // 100),
    }
    uid = service_uid(3)
    queries: dict[str, dict[str, object]] = {
        "first page": {},
        "deep page": {"page": number // 20 - 2},
        "first page of 1,000": {"size": 1000},
        "of a service": {"serviceId": uid},
        "status=FAILED": {"status": "FAILED"},
        "tags=batch-7": {"tags": "batch-7"},
        "created within a hundredth of the time": middle,
        "text=singular": {"text": "singular"},
        "ids=*77": {"ids": "*77"},
        "sort=endedAt": {"sort": "endedAt"},
        "service, status, tag, time and text": {
            "serviceId": uid,
            "status": "SUCCEEDED",
            "tags": "nightly",
            "text": "service",
            "createdAfter": _time(number // 4),
            "createdBefore": _time(number // 2),
        },
    }
    found = {name: f"service-executions?{urlencode(query)}" for name, query in queries.items()}
    found["jobs, first page"] = "service-jobs"
    found["jobs of a service, deep page"] = (
        f"service-jobs?{urlencode({'serviceId': service_uid(3), 'page': 50})}"
    )
    found["statistics of a service"] = f"services/{uid}/statistics"
    return found


def _time(number: int) -> str:
    return created(number).isoformat().replace("+00:00", "Z")


@contextlib.contextmanager
def api_server(number: int, directory: Path) -> Iterator[None]:
    """Run the stand-in for an API server, and name it in KUBECONFIG, until the block ends."""
    command = [sys.executable, "-m", "benchmarks.listing.api_server", str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("the stand-in for the API server has no output")
            address = f"http://127.0.0.1:{int(process.stdout.readline())}"
            path = directory / "kubeconfig.yaml"
            path.write_text(yaml.safe_dump(_kubeconfig(address)))
            os.environ["KUBECONFIG"] = str(path)
            yield
        finally:
            process.terminate()


def _kubeconfig(address: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": address}}],
        "users": [{"name": "here", "user": {"token": "token"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
    }


class Caller:
    """One connection to the gateway."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)

    def get(self, path: str) -> tuple[float, bytes]:
        """Return how many seconds an answer took, and its body; raises RuntimeError for another status than 200."""
        begun = time.perf_counter()
        self._connection.request("GET", f"/platform/{NAMESPACE}/{path}", headers=_HEADERS)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return time.perf_counter() - begun, body


def milliseconds(seconds: list[float]) -> tuple[str, str]:
    """Return median and 99th percentile."""
    return (
        f"{statistics.median(seconds) * 1000:.1f}",
        f"{statistics.quantiles(seconds, n=100, method='inclusive')[98] * 1000:.1f}",
    )


def measure(gateway: GatewayProcess, number: int, times: int) -> Table:
    """Return the table of all lists."""
    table = Table("list", "found", "p50 ms", "p99 ms", "processor ms", "resident MiB")
    caller = Caller(gateway)
    for name, path in lists(number).items():
        total = json.loads(caller.get(path)[1]).get("totalElements", "")
        processor = gateway.cpu_seconds()
        seconds = [caller.get(path)[0] for _ in range(times)]
        processor = (gateway.cpu_seconds() - processor) / times * 1000
        resident = gateway.resident_bytes() / _MIB
        table.add_row(name, f"{total}", *milliseconds(seconds), f"{processor:.1f}", f"{resident:.0f}")
    return table


def witness(gateway: GatewayProcess, times: int) -> Table:
    """Return how long reads of an execution take, alone and while others list."""
    table = Table("read of one execution", "p50 ms", "p99 ms")
    caller, path = Caller(gateway), f"service-executions/{text_at(execution(5), 'metadata', 'name')}"
    table.add_row("alone", *milliseconds([caller.get(path)[0] for _ in range(times)]))
    ended = threading.Event()

    def flood() -> None:
        other = Caller(gateway)
        while not ended.is_set():
            other.get(f"service-executions?{_DEAREST}")

    floods = [threading.Thread(target=flood) for _ in range(4)]
    for one in floods:
        one.start()
    try:
        table.add_row(
            "beside four who list by text", *milliseconds([caller.get(path)[0] for _ in range(times)])
        )
    finally:
        ended.set()
        for one in floods:
            one.join()
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.listing", description=__doc__)
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=200, help="each list is asked for")
    options = parser.parse_args()
    console = Console(width=100)
    with tempfile.TemporaryDirectory() as name:
        directory, begun = Path(name), time.monotonic()
        with (
            api_server(options.executions, directory),
            gateway_process(directory / "store", _KNOWN_SECONDS) as gateway,
        ):
            seconds = time.monotonic() - begun
            found = json.loads(Caller(gateway).get("service-executions?size=1")[1])["totalElements"]
            if found != options.executions:
                raise RuntimeError(f"the gateway knows {found} executions")
            resident = gateway.resident_bytes() / _MIB
            console.print(
                f"{options.executions:,} executions ready after {seconds:.0f} s, {resident:.0f} MiB resident"
            )
            console.print(measure(gateway, options.executions, options.times))
            console.print(witness(gateway, options.times))


if __name__ == "__main__":
    main()
