"""One collector as a process, beside a gateway that answers as collectors expect and does nothing."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from typing_extensions import override

import serviceexecution.collector
from benchmarks.bench.stage.control_plane import ADDRESS

_PROGRAM: Final = Path(serviceexecution.collector.__file__).with_name("main.py")
_IDLE_SECONDS: Final = 1.0
_OUTPUT: Final = b'{"sum": 6}'


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collector has taken for one run with one small file."""

    cpu: float
    """Seconds of CPU from start to end, of both of its processes."""
    resident: int
    """Bytes while it waits for main, of both processes; what they share counts once."""


class _Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ended: threading.Event

    def do_GET(self) -> None:
        """Say that main runs, and that it has ended when it has."""
        state = "running"
        if "wait=0" not in self.path:
            self.ended.wait(30)
        if self.ended.is_set():
            state = "terminated"
        self._answer({"state": state})

    def do_PUT(self) -> None:
        """Take a file."""
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"path": "output.json", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})

    def do_POST(self) -> None:
        """Take the commit."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"files": 1, "totalBytes": len(_OUTPUT)})

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: dict[str, object]) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def collect(options: Sequence[str]) -> Collected:
    """Run a collector whose Python has these options, and say what it took."""
    with tempfile.TemporaryDirectory() as name, _gateway() as (port, ended):
        directory = Path(name)
        (directory / "output").mkdir()
        (directory / "output" / "output.json").write_bytes(_OUTPUT)
        (directory / "token").write_text("token")
        environment = {
            "PATH": os.environ["PATH"],
            "MALLOC_ARENA_MAX": "1",
            "SX_GATEWAY_URL": f"http://{ADDRESS}:{port}",
            "SX_TOKEN_FILE": str(directory / "token"),
            "SX_OUTPUT_DIRECTORY": str(directory / "output"),
            "SX_TERMINATION_LOG": str(directory / "last-word"),
            "SX_SHARED_PROCESSES": "false",  # Of this machine it would see all
        }
        process = subprocess.Popen(
            [sys.executable, *options, str(_PROGRAM)], env=environment, stderr=subprocess.DEVNULL
        )
        time.sleep(_IDLE_SECONDS)
        resident = sum(_proportional(pid) for pid in (process.pid, *_children(process.pid)))
        ended.set()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"the collector ended with {process.returncode}")
        return Collected(usage.ru_utime + usage.ru_stime, resident)


@contextlib.contextmanager
def _gateway() -> Iterator[tuple[int, threading.Event]]:
    ended = threading.Event()
    handler = type("Handler", (_Gateway,), {"ended": ended})
    server = ThreadingHTTPServer((ADDRESS, 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port, ended
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _proportional(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)
