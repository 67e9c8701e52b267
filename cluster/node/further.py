"""The nodes of an embedded cluster beside the first: namespaces of their own, joined to the first node's."""

from collections.abc import Sequence

from cluster.console import step
from cluster.errors import LauncherError
from cluster.node.certificates import create_node_credentials
from cluster.node.components import worker_components
from cluster.node.configuration import render_worker
from cluster.node.network import Link, connect_node, further_node_setup
from cluster.node.places import Place, further_place, further_places
from cluster.node.processes import ProcessRecord
from cluster.node.spawning import MADE_FROM, Layout, MadeFrom, spawn
from cluster.settings import Instance


def wanted_places(instance: Instance, nodes: int | None) -> list[Place]:
    """The further nodes of a cluster that shall have so many nodes, None for as many as it has.

    Raises LauncherError when it has more: a node that goes takes its pods along.
    """
    present = further_places(instance)
    if nodes is None:
        return present
    if len(present) + 1 > nodes:
        raise LauncherError(
            f"the cluster has {len(present) + 1} nodes, and none is taken away from it; run `make down` first."
        )
    return [further_place(instance, number) for number in range(2, nodes + 1)]


def start_missing(
    instance: Instance, places: Sequence[Place], link: Link, first: ProcessRecord, made_from: MadeFrom
) -> None:
    """Start each of these nodes unless it runs as it should. `first` is the first node's first process.

    Their links end with the first node, and a node that was started beside another first node is started anew.
    """
    for place in places:
        layout = _layout(instance, place, link, made_from)
        fingerprint = f"{layout.fingerprint()} {first.pid} {first.start_time} {first.boot}"
        running = ProcessRecord.read(place.init_file)
        if running is not None and running.alive():
            if _made_from(place) == fingerprint:
                continue
            running.kill()
        with step(f"starting {place.name}"):
            place.directory.mkdir(parents=True, exist_ok=True)
            create_node_credentials(
                instance.state, place.directory, name=place.name, address=place.address, api_address=link.node
            )
            # Until it is joined it looks like one that was made from something else.
            (place.directory / MADE_FROM).unlink(missing_ok=True)
            init = spawn(instance, layout)
            connect_node(
                place.name, place.router, place.address, place.pods, first_pid=first.pid, pid=init.pid
            )
            (place.directory / MADE_FROM).write_text(fingerprint)


def _layout(instance: Instance, place: Place, link: Link, made_from: MadeFrom) -> Layout:
    return Layout(
        place,
        files=render_worker(
            instance.state,
            place,
            dns=link.node,
            pause_image=made_from.pause_image,
            silence=made_from.silence,
            kubernetes=made_from.kubernetes,
        ),
        components=worker_components(place, binaries=made_from.binaries, api_address=link.node),
        network=further_node_setup(place.interface_address, place.router),
    )


def _made_from(place: Place) -> str | None:
    try:
        return (place.directory / MADE_FROM).read_text()
    except OSError:
        return None
