"""Controller and gateway of this checkout as processes that work on a control plane."""

import contextlib
import os
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.bench.stage.control_plane import ADDRESS, ControlPlane, control_plane, free_port
from benchmarks.bench.stage.processes import Running, started

_READY_SECONDS: Final = 60
CONTROLLER_AGENT: Final = "serviceexecution-controller"


@dataclass(frozen=True, slots=True)
class Installation:
    """Both processes."""

    controller: Running
    gateway: Running
    gateway_port: int
    metrics_port: int
    """The controller's."""

    @property
    def gateway_url(self) -> str:
        """Where the gateway listens."""
        return f"http://{ADDRESS}:{self.gateway_port}"

    def passes(self) -> int:
        """Return how many passes the controller has made so far."""
        with urllib.request.urlopen(f"http://{ADDRESS}:{self.metrics_port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        counts = [line for line in lines if line.startswith("serviceexecution_reconcile_seconds_count")]
        return sum(int(float(line.rpartition(" ")[2])) for line in counts)


@contextlib.contextmanager
def installed(*, fast: bool = False) -> Iterator[tuple[ControlPlane, Installation]]:
    """Run a control plane of its own and both processes on it until the block ends; ``fast`` as for control planes."""
    with (
        tempfile.TemporaryDirectory() as directory,
        control_plane(Path(directory), fast=fast) as plane,
        _installation(plane) as ours,
    ):
        yield plane, ours


@contextlib.contextmanager
def _installation(plane: ControlPlane) -> Iterator[Installation]:
    """Run both until the block ends."""
    port, health, *metrics = (free_port() for _ in range(4))
    url = f"http://{ADDRESS}:{port}"
    store = plane.directory / "store"
    store.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "KUBECONFIG": str(plane.kubeconfig),
        "MALLOC_ARENA_MAX": "1",  # As the images have it
        "SX_STORE_URL": f"file://{store}",
        "SX_CLUSTER_ID": "bench",
        "SX_PORT": str(port),
        "SX_HEALTH_PORT": str(health),
        "SX_GATEWAY_URL": url,
        "SX_COLLECTOR_IMAGE": "collector",
    }
    with contextlib.ExitStack() as stack:
        running = {
            name: stack.enter_context(
                started(
                    name,
                    [sys.executable, "-m", f"serviceexecution.{name}.main"],
                    plane.directory / "log" / f"{name}.log",
                    {**environment, "SX_METRICS_PORT": str(metrics_port)},
                )
            )
            for name, metrics_port in zip(("gateway", "controller"), metrics, strict=True)
        }
        for process, address in (
            ("gateway", f"{url}/readyz"),
            ("controller", f"http://{ADDRESS}:{health}/readyz"),
        ):
            _wait_until_ready(process, address)
        yield Installation(running["controller"], running["gateway"], port, metrics[1])


def _wait_until_ready(process: str, address: str) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(address, timeout=5).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"the {process} did not become ready")
