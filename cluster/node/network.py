"""The links of a cluster: veth pairs with a /30 network each. One joins the host and the first node, and one the first
node and each further node.
"""

import hashlib
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cluster.commands import run, succeeds
from cluster.errors import LauncherError
from cluster.settings import POD_NETWORK, SERVICE_NETWORK

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


def connect_node(name: str, router: str, address: str, pods: str, *, first_pid: int, pid: int) -> None:
    """Make the pair between the first node, which calls its end `name`, and the node of the namespaces of `pid`.

    `router` and `address` are the two ends', `pods` are the addresses behind the far one.
    """
    what = f"Connecting {name}"

    entered = ["nsenter", f"--target={first_pid}", "--net", "ip"]

    def inside(*words: str) -> None:
        run([*entered, *words], what=what)

    # The kernel removes the one of a node that has ended, but some time later.
    succeeds([*entered, "link", "delete", name])
    inside("link", "add", name, "type", "veth", "peer", "name", NODE_INTERFACE, "netns", str(pid))
    inside("address", "add", f"{router}/{_PREFIX}", "dev", name)
    inside("link", "set", name, "up")
    inside("route", "add", pods, "via", address)


def first_node_setup(interface_address: str) -> list[list[str]]:
    """The commands that set up the first node's network.

    There is no default route: the node and its pods reach each other and the host's end of the link, nothing else.
    Towards the host pods go by the node's address, since the host knows no way to theirs: builds reach the proxy so.
    """
    masquerade = ["--source", POD_NETWORK, "--out-interface", NODE_INTERFACE, "--jump", "MASQUERADE"]
    return [
        *_interface_setup(interface_address),
        # The API server calls webhooks at their Services' addresses. kube-proxy turns them into pods' on the way out,
        # but the kernel only lets out what it has a route for.
        ["ip", "route", "add", SERVICE_NETWORK, "dev", NODE_INTERFACE],
        ["iptables", "--table", "nat", "--append", "POSTROUTING", *masquerade],
    ]


def further_node_setup(interface_address: str, router: str) -> list[list[str]]:
    """The commands that set up the network of another node, which reaches everything by the first one."""
    return [*_interface_setup(interface_address), ["ip", "route", "add", "default", "via", router]]


def _interface_setup(address: str) -> list[list[str]]:
    return [
        ["ip", "link", "set", "lo", "up"],
        ["ip", "address", "add", address, "dev", NODE_INTERFACE],
        ["ip", "link", "set", NODE_INTERFACE, "up"],
    ]
