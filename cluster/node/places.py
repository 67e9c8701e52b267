"""The nodes of an embedded cluster: what each is called, and where its files, addresses and control group are."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.node.network import Link
from cluster.settings import NODE_NAME, POD_NETWORK, Instance

FURTHER: Final = "nodes"
"""Directory in the instance's state with one directory for each node but the first."""

_NODE_LINKS: Final = ipaddress.IPv4Network("10.245.0.0/24")
_LINK_PREFIX: Final = 30
_PODS_PREFIX: Final = 22


@dataclass(frozen=True)
class Place:
    """One node."""

    name: str
    directory: Path
    """Its configuration, sockets, logs and data."""
    address: str
    """Where its kubelet listens."""
    router: str
    """The first node's end of the link to it; the first node's own is the host's end of its link."""
    pods: str
    """The addresses of its pods."""
    cgroup: str
    """The control group of its pods, relative to each hierarchy's root."""

    @property
    def containerd_socket(self) -> Path:
        return self.directory / "containerd.sock"

    @property
    def init_file(self) -> Path:
        """The record of its first process."""
        return self.directory / "init.json"

    @property
    def interface_address(self) -> str:
        """Its address with the prefix of its link, which is the same for every link."""
        return f"{self.address}/{_LINK_PREFIX}"


def first_place(instance: Instance, link: Link) -> Place:
    """The node that the control plane is on."""
    return Place(NODE_NAME, instance.state, link.node, link.host, _pods(1), instance.cgroup)


def further_place(instance: Instance, number: int) -> Place:
    """The node of that number, from 2. It reaches everything through the first node."""
    name = f"node{number}"
    start = _NODE_LINKS.network_address + 2 ** (32 - _LINK_PREFIX) * number
    router, address = ipaddress.IPv4Network((start, _LINK_PREFIX)).hosts()
    directory = instance.state / FURTHER / name
    return Place(name, directory, str(address), str(router), _pods(number), f"{instance.cgroup}/{name}")


def further_places(instance: Instance) -> list[Place]:
    """The nodes but the first that were ever started and are not removed."""
    numbers = (int(path.name.removeprefix("node")) for path in (instance.state / FURTHER).glob("node*"))
    return [further_place(instance, number) for number in sorted(numbers)]


def _pods(number: int) -> str:
    networks = ipaddress.IPv4Network(POD_NETWORK).subnets(new_prefix=_PODS_PREFIX)
    return str(list(networks)[number - 1])
