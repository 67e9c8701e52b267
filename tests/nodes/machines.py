"""The nodes of the tests' cluster: silenced, cut off, and back again."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from cluster.node.namespaces import init_record
from cluster.node.places import further_places
from cluster.node.processes import ProcessRecord
from serviceexecution.contract.json_types import JsonObject
from tests.support.cluster import NODES, Cluster, member
from tests.support.embedded import EmbeddedCluster, processes_in

NAMES: Final = ("node1", "node2", "node3")
_CORDONED: Final = "node.kubernetes.io/unschedulable"
_AGENTS: Final = {"kubelet", "containerd"}


@dataclass(frozen=True)
class Machines:
    """The further nodes can fall silent; the first has the control plane, without which there is no cluster."""

    embedded: EmbeddedCluster
    cluster: Cluster

    @contextlib.contextmanager
    def frozen(self, node: str) -> Iterator[None]:
        """Stop a node's kubelet and containerd. Its programs go on, and reach the network."""
        namespace = os.readlink(f"/proc/{self._init(node)}/ns/pid")  # noqa: PTH115 - the target is no path
        agents = [pid for pid, name in processes_in(namespace) if name in _AGENTS]
        assert len(agents) == len(_AGENTS)
        for pid in agents:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in agents:
                os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def cut_off(self, node: str) -> Iterator[None]:
        """Let nothing that a node sends arrive anywhere. Its programs go on, and reach nothing."""
        self._filter("--insert", node)
        try:
            yield
        finally:
            self._filter("--delete", node)

    def wait_until_lost(self, node: str, *, seconds: float) -> None:
        """Wait until Kubernetes says that it hears nothing of a node."""
        self._wait_for_ready(node, {"Unknown"}, seconds)

    def wait_until_all_are_ready(self, *, seconds: float = 120) -> None:
        """Wait until every node is ready and takes pods, unless somebody has cordoned it."""
        for node in NAMES:
            self._wait_for_ready(node, {"True"}, seconds)

    def _wait_for_ready(self, node: str, wanted: set[str], seconds: float) -> None:
        def holds(found: JsonObject) -> bool:
            conditions = cast("list[JsonObject]", member(found, "status", "conditions") or [])
            taints = cast("list[JsonObject]", member(found, "spec", "taints") or [])
            tainted = [taint for taint in taints if taint["key"] != _CORDONED]
            return any(one["type"] == "Ready" and one["status"] in wanted for one in conditions) and bool(
                tainted
            ) == ("True" not in wanted)

        self.cluster.wait_for(
            NODES, None, node, holds, seconds=seconds, what=f"{node} has Ready {sorted(wanted)}"
        )

    def _filter(self, change: str, node: str) -> None:
        """In the first node's network the interface to a node has the node's name."""
        first = init_record(self.embedded.instance)
        assert first is not None
        rule = ["PREROUTING", "--in-interface", node, "--jump", "DROP"]
        entered = ["nsenter", f"--target={first.pid}", "--net"]
        subprocess.run([*entered, "iptables", "--table", "raw", change, *rule], check=True)

    def _init(self, node: str) -> int:
        (place,) = [one for one in further_places(self.embedded.instance) if one.name == node]
        record = ProcessRecord.read(place.init_file)
        assert record is not None
        return record.pid


def node_of(pod: JsonObject) -> str:
    """Return the name of a pod's node."""
    return str(member(pod, "spec", "nodeName"))
