"""Starting and stopping the namespaces that hold an embedded cluster."""

import ipaddress
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from cluster.errors import LauncherError
from cluster.hashing import content_hash
from cluster.node import cgroups, configuration, egress, provisioner, supervisor
from cluster.node import components as component_list
from cluster.node.certificates import create_credentials
from cluster.node.components import BASE_OBJECTS, components
from cluster.node.network import NODE_INTERFACE, Link, choose_link, connect, disconnect, host_networks
from cluster.node.processes import ProcessRecord, children
from cluster.settings import CHECKOUT, EGRESS_PORT, Instance

_EGRESS: Final = "egress.json"
_MADE_FROM: Final = "made-from"
_INIT_TIMEOUT_SECONDS: Final = 30.0
_REMOVE_TIMEOUT_SECONDS: Final = 60.0


def init_record(instance: Instance) -> ProcessRecord | None:
    """The running first process of the instance's namespaces, None when the cluster is down."""
    record = ProcessRecord.read(instance.state / "init.json")
    return record if record is not None and record.alive() else None


def link_of(instance: Instance) -> Link | None:
    """The addresses that the instance was given when it was created, None before."""
    try:
        data = json.loads((instance.state / "link.json").read_text())
        return Link(host=data["host"], node=data["node"])
    except (OSError, ValueError, KeyError):
        return None


def is_outdated(instance: Instance, *, binaries: Path, pause_image: str) -> bool:
    """Whether the running namespaces were made from other programs or settings than the ones given."""
    link = link_of(instance)
    if link is None:
        return False
    try:
        made_from = (instance.state / _MADE_FROM).read_text()
    except OSError:
        return True
    return made_from != _fingerprint(instance, link, binaries, pause_image)


def record_start(instance: Instance, link: Link, *, binaries: Path, pause_image: str) -> None:
    """Write down what the running namespaces were made from, for `is_outdated`."""
    (instance.state / _MADE_FROM).write_text(_fingerprint(instance, link, binaries, pause_image))


def _fingerprint(instance: Instance, link: Link, binaries: Path, pause_image: str) -> str:
    """Changes with all that the namespaces are made from; the interpreter's path is the checkout's own affair."""
    rendered = configuration.render(
        instance.state, node_address=link.node, cgroup=instance.cgroup, pause_image=pause_image
    )
    started = components(instance.state, binaries=binaries, node_address=link.node, python="python")
    code = [Path(file) for file in (supervisor.__file__, component_list.__file__, provisioner.__file__)]
    return content_hash(code, base=CHECKOUT, salt=[json.dumps(rendered), *map(repr, started)])


def start(instance: Instance, *, binaries: Path, pause_image: str) -> Link:
    """Start the namespaces and all components, on the data of an earlier run when there is any.

    Only the start is waited for, not that the node is ready.
    """
    state = instance.state
    disconnect(instance.interface)
    for directory in ("log", "cni", "node"):
        (state / directory).mkdir(parents=True, exist_ok=True)
    state.parent.chmod(0o755)
    link = _link(instance)
    rendered = configuration.render(
        state, node_address=link.node, cgroup=instance.cgroup, pause_image=pause_image
    )
    for name, text in rendered.items():
        (state / name).write_text(text)
    spec = {
        "state": str(state),
        "interface": NODE_INTERFACE,
        "address": f"{link.node}/{link.prefix}",
        "binds": {
            path: str(state / "node" / path.strip("/").replace("/", "-"))
            for path in ("/var/lib/kubelet", "/var/lib/containerd", "/var/log/pods")
        },
        "components": [
            component.to_json()
            for component in components(
                state, binaries=binaries, node_address=link.node, python=sys.executable
            )
        ],
    }
    spec_file = state / "supervisor.json"
    spec_file.write_text(json.dumps(spec, indent=2))
    cgroups.create(instance.cgroup)
    (state / "components.json").unlink(missing_ok=True)
    # A socket file of a killed containerd would look as if it were there.
    instance.containerd_socket.unlink(missing_ok=True)
    init = _spawn(instance, spec_file)
    init.write(state / "init.json")
    connect(instance.interface, link, init.pid)
    record_start(instance, link, binaries=binaries, pause_image=pause_image)
    return link


def egress_runs(instance: Instance) -> bool:
    """Whether the proxy that builds reach the world through is there."""
    record = ProcessRecord.read(instance.state / _EGRESS)
    return record is not None and record.alive()


def ensure_egress(instance: Instance, link: Link) -> None:
    """Start the proxy that builds reach the world through, in the host's network, unless this very one runs."""
    init, code = init_record(instance), Path(egress.__file__).read_text()
    record, started_code = ProcessRecord.read(instance.state / _EGRESS), instance.state / "egress.py"
    running = record is not None and record.alive()
    if init is None or (running and started_code.exists() and started_code.read_text() == code):
        return
    if record is not None:
        record.kill()
    # A copy, which is what runs, says later whether it is still the right one.
    started_code.write_text(code)
    with (instance.state / "log" / "egress.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(started_code), link.host, str(EGRESS_PORT), link.node, str(init.pid)],
            cwd=instance.state,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = ProcessRecord.of(process.pid)
    if started is not None:
        started.write(instance.state / _EGRESS)


def _link(instance: Instance) -> Link:
    """The instance's link; new addresses and credentials when there is none or its network is taken by now."""
    link = link_of(instance)
    taken = host_networks()
    if link is not None:
        network = ipaddress.IPv4Network(f"{link.host}/{link.prefix}", strict=False)
        if not any(network.overlaps(other) for other in taken):
            return link
    link = choose_link(instance.name, taken)
    shutil.rmtree(instance.state / "etcd", ignore_errors=True)  # It holds the old address
    (instance.state / BASE_OBJECTS).unlink(missing_ok=True)
    create_credentials(instance.state, link.node)
    (instance.state / "link.json").write_text(json.dumps({"host": link.host, "node": link.node}))
    return link


def _spawn(instance: Instance, spec_file: Path) -> ProcessRecord:
    """Start process 1 of new namespaces.

    Raises LauncherError where namespaces are not permitted, or the supervisor ends at once.
    """
    log_path = instance.state / "log" / "supervisor.log"
    namespaces = ["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    with log_path.open("ab") as log:
        outer = subprocess.Popen(
            [*namespaces, sys.executable, "-m", "cluster.node.supervisor", str(spec_file)],
            cwd=CHECKOUT,
            env={**_environment(), "PYTHONPATH": str(CHECKOUT)},
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
    raise LauncherError(f"the cluster's namespaces cannot be created here: {tail[0]}")


def _environment() -> dict[str, str]:
    """The components' environment: no settings of the caller's shell but these."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TZ") if name in os.environ}
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **kept}


def halt(instance: Instance) -> None:
    """End every process of the instance; its data stays for the next start."""
    for record in (init_record(instance), ProcessRecord.read(instance.state / _EGRESS)):
        if record is not None:
            record.kill()


def stop(instance: Instance) -> None:
    """End everything the instance runs and remove what it left on the host, its state included."""
    halt(instance)
    disconnect(instance.interface)
    cgroups.remove(instance.cgroup)
    _remove_tree(instance.state)


def _remove_tree(path: Path) -> None:
    """Remove a directory whose last mounts the kernel may still be releasing."""
    deadline = time.monotonic() + _REMOVE_TIMEOUT_SECONDS
    while path.exists():
        try:
            shutil.rmtree(path)
        except OSError as error:
            if time.monotonic() > deadline:
                raise LauncherError(
                    f"{path} cannot be removed: {error.strerror} ({error.filename})."
                ) from error
            time.sleep(0.1)
