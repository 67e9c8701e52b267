"""The link between the host and a cluster's network namespace: a veth pair with a /30 network of its own."""

import hashlib
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cluster.commands import run, succeeds
from cluster.errors import LauncherError

LINK_NETWORKS: Final = ipaddress.IPv4Network("10.213.0.0/16")
NODE_INTERFACE: Final = "eth0"
_PREFIX: Final = 30


@dataclass(frozen=True)
class Link:
    """The two addresses of the veth pair: `host` outside, `node` inside, where the API server listens."""

    host: str
    node: str

    @property
    def prefix(self) -> int:
        return _PREFIX


def choose_link(name: str, taken: Iterable[ipaddress.IPv4Network]) -> Link:
    """The first free /30 in LINK_NETWORKS, looking from a place that depends on the instance's name.

    So one instance nearly always gets the same address again, and its certificates stay valid.

    Raises LauncherError when all of them overlap with a network of the host.
    """
    used = list(taken)
    size = 2 ** (32 - _PREFIX)
    count = LINK_NETWORKS.num_addresses // size
    first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % count
    for step in range(count):
        start = LINK_NETWORKS.network_address + (first + step) % count * size
        candidate = ipaddress.IPv4Network((start, _PREFIX))
        if not any(candidate.overlaps(network) for network in used):
            host, node = candidate.hosts()
            return Link(host=str(host), node=str(node))
    raise LauncherError(
        f"every network in {LINK_NETWORKS} is already used by this machine's addresses or routes."
    )


def host_networks() -> list[ipaddress.IPv4Network]:
    """The networks of the host's addresses and routes, the default route apart."""
    addresses = json.loads(run(["ip", "-j", "-4", "address"], what="Reading the host's addresses") or "[]")
    routes = json.loads(run(["ip", "-j", "-4", "route"], what="Reading the host's routes") or "[]")
    networks = [
        ipaddress.IPv4Network(f"{entry['local']}/{entry['prefixlen']}", strict=False)
        for interface in addresses
        for entry in interface.get("addr_info", [])
    ]
    networks += [ipaddress.IPv4Network(r["dst"], strict=False) for r in routes if r["dst"] != "default"]
    return networks


def connect(interface: str, link: Link, namespace_pid: int) -> None:
    """Create the pair, its far end inside the network namespace of `namespace_pid`, and set the host's end up.

    The inside end gets its address from the namespace's own supervisor.
    """
    what = "Connecting the cluster's network"
    disconnect(interface)
    peer = ["peer", "name", NODE_INTERFACE, "netns", str(namespace_pid)]
    run(["ip", "link", "add", interface, "type", "veth", *peer], what=what)
    run(["ip", "address", "add", f"{link.host}/{link.prefix}", "dev", interface], what=what)
    run(["ip", "link", "set", interface, "up"], what=what)


def ensure_connected(interface: str, link: Link, namespace_pid: int) -> None:
    """Make the pair when it is missing: the launcher was killed just before, and the namespace waits for it."""
    if not succeeds(["ip", "link", "show", interface]):
        connect(interface, link, namespace_pid)


def disconnect(interface: str) -> None:
    """Remove the pair; the kernel does the same when the namespace ends, so it may be gone already."""
    if not succeeds(["ip", "link", "delete", interface]) and succeeds(["ip", "link", "show", interface]):
        raise LauncherError(f"the network interface {interface} cannot be deleted.")
