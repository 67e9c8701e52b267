"""Names and places of one cluster instance, and the tools' caches."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.errors import LauncherError
from cluster.kubernetes_versions import asked_version

CHECKOUT: Final = Path(__file__).resolve().parent.parent
STATE_HOME: Final = Path("/var/lib/serviceexecution")
OPERATOR_NAMESPACE: Final = "serviceexecution-system"
RELEASE: Final = "serviceexecution"
NODE_NAME: Final = "node1"
GATEWAY_NODE_PORT: Final = 30080
REGISTRY_NODE_PORT: Final = 30500
EGRESS_PORT: Final = 3128
# The tag of our own images, which is the chart's appVersion.
VERSION: Final = "0.1.0"

# Each node's pods have a part of it.
POD_NETWORK: Final = "10.244.0.0/16"
SERVICE_NETWORK: Final = "10.96.0.0/16"
API_SERVICE_ADDRESS: Final = "10.96.0.1"

MAXIMUM_NODES: Final = 9
_SHORTEST_SILENCE: Final = 8

# An interface name has at most 15 characters, three of them are our "sx-".
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?")


@dataclass(frozen=True)
class Instance:
    """One embedded cluster; several with different names can run side by side.

    Everything it leaves on the host outside its namespaces is derived from `name`: `state` (directory),
    `interface` (the host's end of the veth pair) and `cgroup` (relative to each hierarchy's root).
    """

    name: str
    state: Path

    @property
    def interface(self) -> str:
        return f"sx-{self.name}"

    @property
    def cgroup(self) -> str:
        return f"serviceexecution-{self.name}"

    @property
    def lock_file(self) -> Path:
        return self.state.with_name(f"{self.name}.lock")

    @property
    def kubeconfig(self) -> Path:
        return self.state / "admin.conf"

    @property
    def audit_log(self) -> Path:
        return self.state / "log" / "audit.log"

    @property
    def containerd_socket(self) -> Path:
        return self.state / "containerd.sock"


def instance(environment: Mapping[str, str] = os.environ) -> Instance:
    """The instance that SX_CLUSTER_NAME names, `embedded` by default.

    Raises LauncherError when the name cannot be part of an interface's name.
    """
    name = environment.get("SX_CLUSTER_NAME") or "embedded"
    if not _NAME.fullmatch(name):
        raise LauncherError(
            f"SX_CLUSTER_NAME is {name!r}, but a cluster's name has 1 to 12 lower-case letters, digits or dashes."
        )
    return Instance(name=name, state=STATE_HOME / name)


@dataclass(frozen=True)
class Shape:
    """What a cluster is made of, beside its name."""

    nodes: int | None = None
    """How many nodes it has; None for as many as it has already, which is one in the beginning."""
    lean: bool = False
    """Without what only builds and tests need, unless the cluster has it already."""
    silence: int | None = None
    """After how many silent seconds a node counts as lost, and after how many more its pods are deleted; None for
    Kubernetes' own values."""
    kubernetes: str | None = None
    """The version of Kubernetes, such as 1.31 or 1.31.14; None for the one that it has, which is our pinned one in the
    beginning."""


def shape(environment: Mapping[str, str] = os.environ) -> Shape:
    """The shape that SX_NODES, SX_DEAD_NODE_SECONDS and SX_KUBERNETES ask for.

    Raises LauncherError when it cannot be made.
    """
    return Shape(
        nodes=_number(environment, "SX_NODES", 1, MAXIMUM_NODES),
        silence=_number(environment, "SX_DEAD_NODE_SECONDS", _SHORTEST_SILENCE, 3600),
        kubernetes=asked_version(environment.get("SX_KUBERNETES") or ""),
    )


def _number(environment: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = environment.get(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 4 or not least <= int(text) <= most:
        raise LauncherError(f"{name} is {text!r}, but it can be a number from {least} to {most}.")
    return int(text)


def cache_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Where builds are kept by the hash of their content, outside the checkout, shared by all instances."""
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "serviceexecution"
