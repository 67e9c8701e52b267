"""The program that serves a volume, as a process, and a client of it that says what no gateway says, too."""

import hashlib
import hmac
import json
import os
import re
import secrets
import signal
import socket
import struct
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.processes.collector.live import COLLECTOR

ADDRESS = "127.0.0.1"


class Serving:
    """One process over a folder."""

    def __init__(self, directory: Path, idle: float = 60) -> None:
        self.pool = str(uuid.uuid4())
        self.secret = secrets.token_bytes(32)
        environment = {
            **os.environ,
            "SX_VOLUME_KEY_SHA256": hashlib.sha256(self.secret).hexdigest(),
            "SX_VOLUME_PORT": "0",
            "SX_VOLUME_IDLE_SECONDS": str(idle),
            "SX_VOLUME_DIRECTORY": str(directory),
            "SX_VOLUME_POOL_UID": self.pool,
        }
        command = [sys.executable, "-I", "-S", str(COLLECTOR), "serve-volume"]
        self.process = subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stderr is not None
        found = re.search(r'"port": (\d+)', self.process.stderr.readline())
        assert found is not None
        self.port = int(found[1])

    def id_of(self, name: str) -> str:
        return str(uuid.uuid5(uuid.UUID(self.pool), name))

    @contextmanager
    def connection(self, *, secret: bytes | None = None) -> Iterator[socket.socket]:
        """A connection on which both sides have proved themselves."""
        with socket.create_connection((ADDRESS, self.port), timeout=20) as opened:
            nonce = secrets.token_bytes(32)
            send(opened, nonce)
            key = hashlib.sha256(self.secret).digest()
            assert receive(opened) == hmac.digest(key, nonce + ADDRESS.encode(), "sha256")
            send(opened, self.secret if secret is None else secret)
            yield opened

    def write(self, name: str, *chunks: bytes) -> dict[str, Any]:
        with self.connection() as opened:
            send(opened, json.dumps({"do": "write", "name": name}).encode())
            for chunk in chunks:
                send(opened, chunk)
            send(opened, b"")
            return answer(opened)

    def call(self, **call: Any) -> dict[str, Any]:
        with self.connection() as opened:
            send(opened, json.dumps(call).encode())
            return answer(opened)

    def names(self) -> list[str]:
        with self.connection() as opened:
            send(opened, b'{"do": "list"}')
            number, found = answer(opened)["files"], []
            while frame := receive(opened):
                found += [file["name"] for file in json.loads(frame)]
        assert len(found) == number
        return sorted(found)

    def read(self, name: str, start: int = 0, end: int = 1 << 60) -> bytes:
        with self.connection() as opened:
            send(opened, json.dumps({"do": "read", "id": self.id_of(name)}).encode())
            said = answer(opened)
            assert "error" not in said, said
            send(opened, json.dumps({"start": start, "end": end}).encode())
            content = b""
            while frame := receive(opened):
                content += frame
            return content

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # Its child, too
        self.process.wait()


def send(opened: socket.socket, data: bytes) -> None:
    opened.sendall(struct.pack(">I", len(data)) + data)


def receive(opened: socket.socket) -> bytes:
    (length,) = struct.unpack(">I", _exactly(opened, 4))
    return _exactly(opened, length)


def answer(opened: socket.socket) -> dict[str, Any]:
    found = json.loads(receive(opened))
    assert isinstance(found, dict)
    return found


def _exactly(opened: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        got = opened.recv(size - len(data))
        if not got:
            raise EOFError
        data += got
    return data
