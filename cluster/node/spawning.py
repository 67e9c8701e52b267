"""Starting one node: its files, its control group, and the first process of its namespaces."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.errors import LauncherError
from cluster.hashing import content_hash
from cluster.kubernetes_versions import DEFAULT
from cluster.node import cgroups, supervisor
from cluster.node.components import Component
from cluster.node.network import NODE_INTERFACE
from cluster.node.places import Place
from cluster.node.processes import ProcessRecord, children
from cluster.settings import CHECKOUT, Instance

MADE_FROM: Final = "made-from"
"""File in a node's directory that holds a fingerprint of what it was started with."""

_BOUND: Final = ("/var/lib/kubelet", "/var/lib/containerd", "/var/log/pods")
_INIT_TIMEOUT_SECONDS: Final = 30.0


@dataclass(frozen=True)
class MadeFrom:
    """What nodes are started with."""

    binaries: Path
    pause_image: str
    silence: int | None = None
    """See `Shape.silence`."""
    kubernetes: str = DEFAULT
    """The version that the programs are of."""


@dataclass(frozen=True)
class Layout:
    """All that a node is started with."""

    place: Place
    files: Mapping[str, str]
    """Name below the node's directory → content."""
    components: Sequence[Component]
    network: Sequence[Sequence[str]]
    """The commands that set its network up."""

    def fingerprint(self, code: Sequence[Path] = ()) -> str:
        """Changes with all of it, and with the content of `code`."""
        salt = [json.dumps(dict(self.files)), *map(repr, self.components), repr(self.network)]
        return content_hash([Path(supervisor.__file__), *code], base=CHECKOUT, salt=salt)


def spawn(instance: Instance, layout: Layout) -> ProcessRecord:
    """Start the node's namespaces; its supervisor waits for the link.

    Raises LauncherError where namespaces are not permitted, or the supervisor ends at once.
    """
    place = layout.place
    for part in ("log", "cni", "node"):
        (place.directory / part).mkdir(parents=True, exist_ok=True)
    for name, text in layout.files.items():
        (place.directory / name).write_text(text)
    spec = {
        "stateHome": str(instance.state.parent),
        "directory": str(place.directory),
        "interface": NODE_INTERFACE,
        "network": [list(command) for command in layout.network],
        "binds": {path: str(bound_directory(place.directory, path)) for path in _BOUND},
        "components": [component.to_json() for component in layout.components],
    }
    spec_file = place.directory / "supervisor.json"
    spec_file.write_text(json.dumps(spec, indent=2))
    cgroups.create(place.cgroup)
    (place.directory / "components.json").unlink(missing_ok=True)
    # A socket file of a killed containerd would look as if it were there.
    place.containerd_socket.unlink(missing_ok=True)
    init = _first_process(place, spec_file)
    init.write(place.init_file)
    return init


def bound_directory(directory: Path, path: str) -> Path:
    """Where the content of one of the node's own system directories lies, for a node with that directory."""
    return directory / "node" / path.strip("/").replace("/", "-")


def _first_process(place: Place, spec_file: Path) -> ProcessRecord:
    log_path = place.directory / "log" / "supervisor.log"
    namespaces = ["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    with log_path.open("ab") as log:
        outer = subprocess.Popen(
            [*namespaces, sys.executable, "-m", "cluster.node.supervisor", str(spec_file)],
            cwd=CHECKOUT,
            env={**clean_environment(), "PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _INIT_TIMEOUT_SECONDS
    while time.monotonic() < deadline and outer.poll() is None:
        for pid in children(outer.pid):
            record = ProcessRecord.of(pid)
            if record is not None:
                return record
        time.sleep(0.02)
    outer.kill()
    tail = log_path.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
    raise LauncherError(f"the namespaces of {place.name} cannot be created here: {tail[0]}")


def clean_environment() -> dict[str, str]:
    """The components' environment: no settings of the caller's shell but these."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TZ") if name in os.environ}
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **kept}
