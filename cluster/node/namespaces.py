"""Starting and stopping the namespaces that hold an embedded cluster."""

import ipaddress
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from cluster.errors import LauncherError
from cluster.node import cgroups, configuration, egress, provisioner
from cluster.node import components as component_list
from cluster.node.certificates import create_credentials
from cluster.node.components import BASE_OBJECTS, components
from cluster.node.network import Link, choose_link, connect, disconnect, first_node_setup, host_networks
from cluster.node.places import first_place, further_places
from cluster.node.processes import ProcessRecord
from cluster.node.spawning import MADE_FROM, Layout, MadeFrom, clean_environment, spawn
from cluster.settings import EGRESS_PORT, Instance

_EGRESS: Final = "egress.json"
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


def is_outdated(instance: Instance, wanted: MadeFrom) -> bool:
    """Whether the running first node was made from other programs or settings than the ones given."""
    link = link_of(instance)
    if link is None:
        return False
    try:
        made_from = (instance.state / MADE_FROM).read_text()
    except OSError:
        return True
    return made_from != _fingerprint(instance, link, wanted)


def record_start(instance: Instance, link: Link, made_from: MadeFrom) -> None:
    """Write down what the running namespaces were made from, for `is_outdated`."""
    (instance.state / MADE_FROM).write_text(_fingerprint(instance, link, made_from))


def _fingerprint(instance: Instance, link: Link, made_from: MadeFrom) -> str:
    """Changes with all that the first node is made from; the interpreter's path is the checkout's own affair."""
    return _layout(instance, link, made_from, python="python").fingerprint(
        [Path(provisioner.__file__), Path(component_list.__file__)]
    )


def _layout(instance: Instance, link: Link, made_from: MadeFrom, *, python: str) -> Layout:
    place, state = first_place(instance, link), instance.state
    silence = made_from.silence
    return Layout(
        place,
        files=configuration.render(
            state,
            place,
            pause_image=made_from.pause_image,
            silence=silence,
            kubernetes=made_from.kubernetes,
        ),
        components=components(state, place, binaries=made_from.binaries, python=python, silence=silence),
        network=first_node_setup(place.interface_address),
    )


def start(instance: Instance, made_from: MadeFrom) -> Link:
    """Start the first node, on the data of an earlier run when there is any.

    Only the start is waited for, not that the node is ready.
    """
    disconnect(instance.interface)
    instance.state.mkdir(parents=True, exist_ok=True)
    instance.state.parent.chmod(0o755)
    link = _link(instance)
    init = spawn(instance, _layout(instance, link, made_from, python=sys.executable))
    connect(instance.interface, link, init.pid)
    record_start(instance, link, made_from)
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
            env=clean_environment(),
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


def halt(instance: Instance) -> None:
    """End every process of the instance; its data stays for the next start."""
    inits = [ProcessRecord.read(place.init_file) for place in further_places(instance)]
    for record in (*inits, init_record(instance), ProcessRecord.read(instance.state / _EGRESS)):
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
