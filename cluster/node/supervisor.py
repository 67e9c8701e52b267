"""Process 1 of a cluster's namespaces: prepares mounts and network, keeps the components running, reaps the rest.

Run by the launcher as `unshare --mount --pid --net … python -m cluster.node.supervisor SPEC.json`. When it ends, the
kernel ends every process of the namespace and with the last one drops its mounts, interfaces and packet filter rules.
Standard library only: it lives as long as the cluster.
"""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cluster.node.components import Component

_TICK_SECONDS: Final = 0.1
_LINK_TIMEOUT_SECONDS: Final = 60.0
_PROBE_TIMEOUT_SECONDS: Final = 2.0
_MAXIMUM_BACKOFF_SECONDS: Final = 10.0
# A component that ran this long before it ended starts again without delay.
_STABLE_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Spec:
    """What the launcher wants in the namespaces, read from a JSON file."""

    state_home: Path
    """The directory of all instances, which is the same inside."""
    directory: Path
    """The node's own, for logs and the report."""
    interface: str
    network: tuple[tuple[str, ...], ...]
    """Commands that set the network up when the interface is there."""
    binds: dict[str, str]
    components: tuple[Component, ...]

    @staticmethod
    def read(path: Path) -> "Spec":
        data = json.loads(path.read_text())
        components = (Component(c["name"], tuple(c["argv"]), tuple(c["after"])) for c in data["components"])
        return Spec(
            Path(data["stateHome"]),
            Path(data["directory"]),
            data["interface"],
            tuple(tuple(command) for command in data["network"]),
            dict(data["binds"]),
            tuple(components),
        )


@dataclass
class Running:
    """A component's life so far. Times are in seconds of the monotonic clock."""

    component: Component
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = 0
    backoff: float = 0.0
    not_before: float = 0.0
    last_status: int | None = None

    def report(self) -> dict[str, object]:
        """For `make status`."""
        return {
            "name": self.component.name,
            "running": self.process is not None,
            "restarts": self.restarts,
            "lastStatus": self.last_status,
        }


def prepare_mounts(spec: Spec) -> None:
    """Give the node its own /run and writable layers over system directories, so that nothing reaches the host's.

    Reads still see the host's files; what is written to /var/lib, /var/log and /etc stays in memory, except below
    the targets of `binds`, which are directories of the cluster's state.
    """
    state_home = spec.state_home
    _mount("--types", "tmpfs", "tmpfs", "/run")
    keep = Path("/run/state-home")
    keep.mkdir()
    _mount("--bind", str(state_home), str(keep))
    for directory in ("/var/lib", "/var/log", "/etc"):
        layer = Path("/run/layers") / directory.strip("/").replace("/", "-")
        for part in ("upper", "work"):
            (layer / part).mkdir(parents=True)
        options = f"lowerdir={directory},upperdir={layer}/upper,workdir={layer}/work"
        _mount("--types", "overlay", "--options", options, "overlay", directory)
    state_home.mkdir(parents=True, exist_ok=True)
    _mount("--move", str(keep), str(state_home))
    for target, source in spec.binds.items():
        Path(source).mkdir(parents=True, exist_ok=True)
        Path(target).mkdir(parents=True, exist_ok=True)
        _mount("--bind", source, target)
    # Volumes that are mounted later must show up in running containers that asked for propagation.
    _mount("--make-rshared", "/")


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def prepare_network(spec: Spec) -> None:
    """Wait for the launcher to put the link's end here, then set it up.

    Raises TimeoutError when the launcher was interrupted before it made the link.
    """
    deadline = time.monotonic() + _LINK_TIMEOUT_SECONDS
    while socket_index(spec.interface) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no interface {spec.interface} after {_LINK_TIMEOUT_SECONDS:.0f} s")
        time.sleep(0.02)
    for command in spec.network:
        subprocess.run(command, check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def socket_index(interface: str) -> int | None:
    """The interface's number in this network namespace, None while it is not there."""
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        return None


def probe(text: str) -> bool:
    """Whether one of the conditions of `Component.after` holds now."""
    kind, _, target = text.partition(":")
    if kind == "file":
        return Path(target).exists()
    try:
        if kind == "unix":
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_PROBE_TIMEOUT_SECONDS)
                connection.connect(target)
            return True
        place, _, path = target.partition("/")
        host, _, port = place.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=_PROBE_TIMEOUT_SECONDS) as connection:
            return kind == "tcp" or _answers_200(connection, host, path)
    except OSError:
        return False


def _answers_200(connection: socket.socket, host: str, path: str) -> bool:
    # Only "is it up" is asked, on our own address: nothing secret is sent, so the certificate is not checked.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(connection) as secured:
        secured.sendall(f"GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        return secured.recv(16).split()[1:2] == [b"200"]


@dataclass
class Supervisor:
    """Starts components when their conditions hold and again when they end."""

    spec: Spec
    running: list[Running] = field(default_factory=list)

    def serve(self) -> None:
        """Runs until the namespace is killed."""
        self.running = [Running(component) for component in self.spec.components]
        while True:
            changed = self._reap()
            for entry in self.running:
                if entry.process is None and time.monotonic() >= entry.not_before:
                    changed |= self._try_start(entry)
            if changed:
                self._write_report()
            time.sleep(_TICK_SECONDS)

    def _try_start(self, entry: Running) -> bool:
        if not all(probe(condition) for condition in entry.component.after):
            return False
        log = (self.spec.directory / "log" / f"{entry.component.name}.log").open("ab")
        with log:
            entry.process = subprocess.Popen(
                entry.component.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        entry.started = time.monotonic()
        return True

    def _reap(self) -> bool:
        """Collect every ended child: components and the orphans that the kernel handed to process 1."""
        changed = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return changed
            if pid == 0:
                return changed
            for entry in self.running:
                if entry.process is not None and entry.process.pid == pid:
                    self._ended(entry, os.waitstatus_to_exitcode(status))
                    changed = True

    def _ended(self, entry: Running, status: int) -> None:
        now = time.monotonic()
        if entry.process is not None:
            entry.process.returncode = status  # It was reaped here, Popen must not wait for it again
        entry.process = None
        entry.last_status = status
        entry.restarts += 1
        stable = now - entry.started >= _STABLE_SECONDS
        entry.backoff = 0.0 if stable else min(_MAXIMUM_BACKOFF_SECONDS, max(0.5, entry.backoff * 2))
        entry.not_before = now + entry.backoff
        print(
            f"{entry.component.name} ended with status {status}, restarting in {entry.backoff} s", flush=True
        )

    def _write_report(self) -> None:
        path = self.spec.directory / "components.json"
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps([entry.report() for entry in self.running]))
        temporary.replace(path)


def main() -> None:
    # Process 1 gets only the signals it handles; the launcher ends the namespace with SIGKILL from outside.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    spec = Spec.read(Path(sys.argv[1]))
    prepare_mounts(spec)
    prepare_network(spec)
    Supervisor(spec).serve()


if __name__ == "__main__":
    main()
