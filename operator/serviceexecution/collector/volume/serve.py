"""Serves the files of a volume to whoever knows a secret, until nobody has asked for a while.

Both sides prove themselves, each in turn. The pod knows only the secret's SHA-256: it answers a client's random bytes
with an HMAC under that digest of them and of the address that was called. A client that called another pod's address
learns so, and says nothing more. Then the client sends the secret. See docs/architecture/store.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import socket
import threading
import time

from ..log import log
from .files import RefusedError, Volume
from .frames import ConnectionEndedError, receive, send, send_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

NONCE_BYTES: Final = 32
MOST_CALLS: Final = 16
"""Calls of gateways that are served at the same time."""
MOST_UNPROVEN: Final = 64
"""Connections of whoever has shown no secret yet; the oldest makes room for the newest."""
_PROOF_SECONDS: Final = 5.0
_SILENCE_SECONDS: Final = 120.0
_DRAIN_SECONDS: Final = 10.0
_CHUNK_BYTES: Final = 256 * 1024
_FILES_IN_FRAME: Final = 64
"""With the longest names, escaped, they are less than the 64 KiB that the gateway takes."""
_EXIT_SETTINGS: Final = 2


class Calls:
    """State owner of the connections, and of when the last call ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unproven: dict[socket.socket, None] = {}
        self._calls = 0
        self._ended = time.monotonic()

    def arrived(self, connection: socket.socket) -> None:
        """Take a connection; the one that has been unproven for longest is cut when there are too many."""
        with self._lock:
            if len(self._unproven) >= MOST_UNPROVEN:
                oldest = next(iter(self._unproven))
                del self._unproven[oldest]
                _cut(oldest)
            self._unproven[connection] = None

    def left(self, connection: socket.socket) -> None:
        """Forget a connection that has proved nothing."""
        with self._lock:
            self._unproven.pop(connection, None)

    def begin(self, connection: socket.socket) -> bool:
        """Note that its client has shown the secret; False when too many calls are served."""
        with self._lock:
            self._unproven.pop(connection, None)
            if self._calls >= MOST_CALLS:
                return False
            self._calls += 1
            return True

    def end(self) -> None:
        """Note that a call has ended."""
        with self._lock:
            self._calls -= 1
            self._ended = time.monotonic()

    def idle_seconds(self) -> float:
        """Return for how long nobody has been served."""
        with self._lock:
            return 0.0 if self._calls else time.monotonic() - self._ended


class Server:
    """Answers connections, each in a thread."""

    def __init__(self, volume: Volume, digest: bytes) -> None:
        self._volume = volume
        self._digest = digest
        self._calls = Calls()
        self._listing = threading.Lock()  # Of one list of 10,000 names there is room for

    def run(self, listener: socket.socket, idle_seconds: float) -> None:
        """Serve until nobody has asked for so long."""
        listener.settimeout(min(1.0, idle_seconds))
        while self._calls.idle_seconds() < idle_seconds:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError as error:
                log("cannot accept", why=str(error))
                time.sleep(0.1)
                continue
            self._calls.arrived(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                if not self._is_proven(connection):
                    return
                if not self._calls.begin(connection):
                    send_object(connection, {"error": "Busy", "detail": "Too many calls at once; try again."})
                    return
            except (ConnectionEndedError, OSError):
                return
            finally:
                self._calls.left(connection)
            try:
                connection.settimeout(_SILENCE_SECONDS)
                self._answer(connection)
            except (ConnectionEndedError, OSError, ValueError) as error:
                log("a call did not end", why=str(error))
            finally:
                self._calls.end()

    def _is_proven(self, connection: socket.socket) -> bool:
        connection.settimeout(_PROOF_SECONDS)
        nonce = receive(connection, NONCE_BYTES)
        if len(nonce) != NONCE_BYTES:
            return False
        address = connection.getsockname()[0].removeprefix("::ffff:")
        send(connection, hmac.digest(self._digest, bytes(nonce) + address.encode(), "sha256"))
        secret = receive(connection, NONCE_BYTES)
        return hmac.compare_digest(hashlib.sha256(secret).digest(), self._digest)

    def _answer(self, connection: socket.socket) -> None:
        call = json.loads(receive(connection))
        if not isinstance(call, dict):
            raise ValueError("a call is an object")
        try:
            if call.get("do") == "list":
                self._list(connection)
            elif call.get("do") == "read":
                self._read(connection, call)
            elif call.get("do") == "write":
                written = self._volume.write(str(call.get("name", "")), _chunks(connection))
                send_object(connection, written.members())
            elif call.get("do") == "delete":
                self._volume.delete(str(call.get("id", "")))
                send_object(connection, {})
            else:
                send_object(connection, {"error": "UnknownCall", "detail": "This pod knows no such call."})
        except RefusedError as error:
            send_object(connection, {"error": error.code, "detail": error.detail})
            _drain(connection)

    def _list(self, connection: socket.socket) -> None:
        with self._listing:
            files = self._volume.list()
            send_object(connection, {"files": len(files)})
            for start in range(0, len(files), _FILES_IN_FRAME):
                some = [file.members() for file in files[start : start + _FILES_IN_FRAME]]
                send(connection, json.dumps(some).encode())
        send(connection, b"")

    def _read(self, connection: socket.socket, call: dict[str, object]) -> None:
        descriptor, file = self._volume.open(str(call.get("id", "")))
        try:
            send_object(connection, file.members())
            # Only now does the client know which bytes there are
            wanted = json.loads(receive(connection))
            start, end = int(wanted["start"]), min(int(wanted["end"]), file.size)
            while start < end:
                data = os.pread(descriptor, min(_CHUNK_BYTES, end - start), start)
                if not data:
                    raise ConnectionEndedError("the file has become shorter")
                send(connection, data)
                start += len(data)
            send(connection, b"")
        except (KeyError, TypeError) as error:
            raise ValueError("no range") from error
        finally:
            os.close(descriptor)


def serve(environment: Mapping[str, str]) -> int:
    """Serve the volume that the environment names; returns the exit code."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(128 + signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        digest = bytes.fromhex(environment["SX_VOLUME_KEY_SHA256"])
        port = int(environment["SX_VOLUME_PORT"])
        idle = float(environment["SX_VOLUME_IDLE_SECONDS"])
        volume = Volume(environment["SX_VOLUME_DIRECTORY"], environment["SX_VOLUME_POOL_UID"])
    except (KeyError, ValueError, OSError) as error:
        log("wrong settings", why=str(error))
        return _EXIT_SETTINGS
    try:
        volume.delete_leftovers()
    except RefusedError as error:
        log("cannot look for leftovers", why=error.detail)
    with _listener(port) as listener:
        log("serving", port=listener.getsockname()[1])
        Server(volume, digest).run(listener, idle)
    log("nobody has asked for a while", seconds=idle)
    return 0


def _listener(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
        except OSError:  # A node without IPv6
            pass
    return socket.create_server(("", port), backlog=128)


def _chunks(connection: socket.socket) -> Iterator[bytearray]:
    """Give what is sent, up to the empty frame: without that the file is not whole, and is not kept."""
    while data := receive(connection):
        yield data


def _drain(connection: socket.socket) -> None:
    """Take what is still being sent for a moment: a connection that is cut loses the answer on its way."""
    connection.shutdown(socket.SHUT_WR)
    until = time.monotonic() + _DRAIN_SECONDS
    connection.settimeout(1.0)
    while time.monotonic() < until and connection.recv(_CHUNK_BYTES):
        pass


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
