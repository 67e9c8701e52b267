"""One gateway as a process on loopback, working on the cluster that KUBECONFIG names."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

READY_SECONDS: Final = 60
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class GatewayProcess:
    """A running gateway."""

    pid: int
    port: int
    metrics_port: int

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and its children that have ended."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICKS

    def resident_bytes(self) -> int:
        """Return the resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise ProcessLookupError(self.pid)

    def kubernetes_requests(self) -> dict[str, int]:
        """Return how many requests it has sent to the API server, by verb and resource."""
        found: dict[str, int] = {}
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("serviceexecution_kube_requests_total{"):
                    labels, _, value = line.partition("} ")
                    parts = dict(part.split("=") for part in labels.partition("{")[2].split(","))
                    name = f"{parts['verb']} {parts['resource']}".replace('"', "")
                    found[name] = found.get(name, 0) + int(float(value))
        return found


@contextlib.contextmanager
def gateway_process(directory: Path, ready_seconds: float = READY_SECONDS) -> Iterator[GatewayProcess]:
    """Run a gateway that keeps its store in ``directory`` until the block ends."""
    with socket.socket() as probe, socket.socket() as other:
        probe.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        metrics_port: int = other.getsockname()[1]
    environment = {
        **os.environ,
        "MALLOC_ARENA_MAX": "1",  # As the image has it
        "SX_STORE_URL": f"file://{directory}",
        "SX_CLUSTER_ID": "benchmark",
        "SX_PORT": str(port),
        "SX_METRICS_PORT": str(metrics_port),
        "SX_LOG_LEVEL": "warning",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "serviceexecution.gateway.main"], env=environment
    ) as process:
        try:
            _wait_until_ready(process, port, ready_seconds)
            yield GatewayProcess(process.pid, port, metrics_port)
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
            return
        time.sleep(0.1)
    raise RuntimeError("the gateway did not become ready")
