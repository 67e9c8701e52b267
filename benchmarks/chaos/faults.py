"""Makes things fail on an embedded cluster, and mends them: processes, nodes, a pod's network, the store's folder."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.chaos.machines import Machine, Machines, chosen, cut_address, freeze, send
from benchmarks.chaos.plan import NODE, Fault
from benchmarks.chaos.world import RuntimeDeath, insist
from cluster.settings import NODE_NAME, OPERATOR_NAMESPACE, Instance
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import PERSISTENT_VOLUME_CLAIMS, PODS, ResourceKind
from tests.support.cluster import Cluster, member, name_of
from tests.support.operator import OPERATOR_LABELS

_VOLUMES: Final = ResourceKind("", "v1", "persistentvolumes")
_STORE_CLAIM: Final = "serviceexecution-store"
_HOLDS_RUNTIME: Final = frozenset({"containerd", NODE})
"""What a containerd stops with: lines that it has not written by then may be gone."""


@dataclass(frozen=True, slots=True)
class Failing:
    """Something that fails now."""

    where: str
    """Its node."""
    mend: Callable[[], None]


class Faults:
    """What fails on one cluster, and what of it is not mended yet."""

    def __init__(self, instance: Instance, cluster: Cluster) -> None:
        self._machines = Machines(instance)
        self._cluster = cluster
        self._lock = threading.Lock()
        self._failing: list[Failing] = []
        self.runtime_deaths: list[RuntimeDeath] = []
        """When and where a containerd was killed or stopped."""

    def inflict(self, fault: Fault) -> str | None:
        """Let something fail for its time; return its node, None when there is nothing of the kind at that moment."""
        begun = time.time()
        failing = self._begin(fault)
        if failing is None:
            return None
        with self._lock:
            self._failing.append(failing)
            if fault.target in _HOLDS_RUNTIME and fault.what != "cut off":
                self.runtime_deaths.append(RuntimeDeath(begun, failing.where))
        time.sleep(fault.seconds)
        self._mend(failing)
        return failing.where

    def mend_all(self) -> None:
        """Mend what still fails, for example after an interruption."""
        for failing in tuple(self._failing):
            self._mend(failing)

    def _mend(self, failing: Failing) -> None:
        with self._lock:
            if failing not in self._failing:
                return
            self._failing.remove(failing)
        failing.mend()

    def _begin(self, fault: Fault) -> Failing | None:
        if fault.target == NODE:
            nodes = self._machines.all()
            node = nodes[int(fault.pick * len(nodes))]
            return Failing(node.name, freeze(node) if fault.what == "frozen" else self._machines.cut(node))
        begin = {
            "killed": self._killed,
            "frozen": self._frozen,
            "replaced": self._replaced,
            "cut off": self._cut_off,
            "refused": self._refused,
        }[fault.what]
        return begin(fault)

    def _killed(self, fault: Fault) -> Failing | None:
        group = chosen(self._machines.groups(fault.target), fault.pick)
        if group is None:
            return None
        send(group.pids, signal.SIGKILL)
        return Failing(group.machine.name, _nothing)

    def _frozen(self, fault: Fault) -> Failing | None:
        group = chosen(self._machines.groups(fault.target), fault.pick)
        if group is None:
            return None
        send(group.pids, signal.SIGSTOP)

        def thaw() -> None:
            send(group.pids, signal.SIGCONT)

        return Failing(group.machine.name, thaw)

    def _replaced(self, fault: Fault) -> Failing | None:
        found = self._pod(fault)
        if found is None:
            return None
        pod, node = found
        insist(lambda: self._cluster.delete(PODS, OPERATOR_NAMESPACE, name_of(pod), grace_seconds=0))
        return Failing(node.name, _nothing)

    def _cut_off(self, fault: Fault) -> Failing | None:
        found = self._pod(fault)
        address = found and str(member(found[0], "status", "podIP") or "")
        if found is None or not address:
            return None
        return Failing(found[1].name, cut_address(found[1], address))

    def _refused(self, _: Fault) -> Failing | None:
        """The store's directory refuses all access: its bits are taken, and the processes are not root."""
        folder = self._store()
        if folder is None:
            return None
        mode = folder.stat().st_mode & 0o7777
        if not mode:
            return None  # It is refused already, and that fault gives the bits back
        folder.chmod(0)

        def allow() -> None:
            folder.chmod(mode)

        return Failing(NODE_NAME, allow)

    def _pod(self, fault: Fault) -> tuple[JsonObject, Machine] | None:
        """Return one of the operator's pods, and its node."""
        labels = f"{OPERATOR_LABELS},app.kubernetes.io/component={fault.target}"
        pods = insist(lambda: self._cluster.select(PODS, OPERATOR_NAMESPACE, labels=labels))
        if not pods:
            return None
        pod = sorted(pods, key=name_of)[int(fault.pick * len(pods))]
        node = self._machines.named(str(member(pod, "spec", "nodeName") or ""))
        return (pod, node) if node is not None else None

    def _store(self) -> Path | None:
        """Return the store's directory, as it is seen from outside of the cluster's mounts."""
        node = self._machines.named(NODE_NAME)
        claim = insist(lambda: self._cluster.get(PERSISTENT_VOLUME_CLAIMS, OPERATOR_NAMESPACE, _STORE_CLAIM))
        name = str(member(claim, "spec", "volumeName")) if claim else ""
        volume = insist(lambda: self._cluster.get(_VOLUMES, None, name)) if name else None
        if node is None or not volume:
            return None
        return Path(f"/proc/{node.init}/root{member(volume, 'spec', 'hostPath', 'path')}")


def _nothing() -> None:
    """What is killed starts again by itself."""
