"""Makes things fail on an embedded cluster, and mends them: processes, a pod's network, the store's directory.

Only processes of that one cluster are touched: the descendants of the first process of its namespaces.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.chaos.plan import Fault
from cluster.node.namespaces import init_record
from cluster.settings import OPERATOR_NAMESPACE, Instance
from serviceexecution.kube.kinds import PERSISTENT_VOLUME_CLAIMS, PODS, ResourceKind
from tests.support.cluster import Cluster, member, name_of
from tests.support.operator import OPERATOR_LABELS

_IN_PODS: Final = {
    "controller": "/serviceexecution-controller",
    "gateway": "/serviceexecution-gateway",
    "collector": "/collector/main.py",
}
"""By target: how a word of its command line ends. All others are found by the name of their program."""
_WORDS: Final = 6
_VOLUMES: Final = ResourceKind("", "v1", "persistentvolumes")
_STORE_CLAIM: Final = "serviceexecution-store"


class Faults:
    """What fails on one cluster, and what of it is not mended yet."""

    def __init__(self, instance: Instance, cluster: Cluster) -> None:
        self._instance = instance
        self._cluster = cluster
        self._lock = threading.Lock()
        self._mends: list[Callable[[], None]] = []

    def inflict(self, fault: Fault) -> bool:
        """Let something fail for its time; False when there is nothing of the kind at that moment."""
        mend = self._begin(fault)
        if mend is None:
            return False
        with self._lock:
            self._mends.append(mend)
        time.sleep(fault.seconds)
        self._mend(mend)
        return True

    def mend_all(self) -> None:
        """Mend what still fails, for example after an interruption."""
        for mend in tuple(self._mends):
            self._mend(mend)

    def _mend(self, mend: Callable[[], None]) -> None:
        with self._lock:
            if mend not in self._mends:
                return
            self._mends.remove(mend)
        mend()

    def _begin(self, fault: Fault) -> Callable[[], None] | None:
        begin = {
            "killed": self._killed,
            "frozen": self._frozen,
            "replaced": self._replaced,
            "cut off": self._cut_off,
            "refused": self._refused,
        }[fault.what]
        return begin(fault.target)

    def _killed(self, target: str) -> Callable[[], None] | None:
        return _nothing if self._signal(target, signal.SIGKILL) else None

    def _frozen(self, target: str) -> Callable[[], None] | None:
        frozen = self._signal(target, signal.SIGSTOP)

        def thaw() -> None:
            for pid in frozen:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

        return thaw if frozen else None

    def _replaced(self, target: str) -> Callable[[], None] | None:
        pod = self._pod(target)
        if pod is None:
            return None
        self._cluster.delete(PODS, OPERATOR_NAMESPACE, pod[0], grace_seconds=0)
        return _nothing

    def _cut_off(self, target: str) -> Callable[[], None] | None:
        pod = self._pod(target)
        if pod is None or not pod[1]:
            return None
        address = pod[1]
        rules = (("PREROUTING", "-s"), ("PREROUTING", "-d"), ("OUTPUT", "-d"))
        for chain, end in rules:
            self._filter("-I", chain, end, address)

        def connect() -> None:
            for chain, end in rules:
                self._filter("-D", chain, end, address)

        return connect

    def _refused(self, _: str) -> Callable[[], None] | None:
        """The store's directory refuses all access: its bits are taken, and the processes are not root."""
        folder = self._store()
        if folder is None:
            return None
        mode = folder.stat().st_mode & 0o7777
        folder.chmod(0)

        def allow() -> None:
            folder.chmod(mode)

        return allow

    def _signal(self, target: str, number: signal.Signals) -> list[int]:
        """Send a signal to the processes of a target, of collectors to one; return their numbers."""
        found = list(self._processes(target))
        if target == "collector":
            found = found[:1]
        sent = []
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                sent.append(pid)
        return sent

    def _processes(self, target: str) -> Iterator[int]:
        init = init_record(self._instance)
        if init is None:
            return
        parents = dict(_parents())
        for pid in parents:
            if _descends(pid, init.pid, parents) and _runs(pid, target):
                yield pid

    def _pod(self, component: str) -> tuple[str, str] | None:
        """Return name and address of a pod of the operator."""
        labels = f"{OPERATOR_LABELS},app.kubernetes.io/component={component}"
        for pod in self._cluster.select(PODS, OPERATOR_NAMESPACE, labels=labels):
            return name_of(pod), str(member(pod, "status", "podIP") or "")
        return None

    def _store(self) -> Path | None:
        """Return the store's directory, as it is seen from outside of the cluster's mounts."""
        init = init_record(self._instance)
        claim = self._cluster.get(PERSISTENT_VOLUME_CLAIMS, OPERATOR_NAMESPACE, _STORE_CLAIM)
        volume = claim and self._cluster.get(_VOLUMES, None, str(member(claim, "spec", "volumeName")))
        if init is None or not volume:
            return None
        return Path(f"/proc/{init.pid}/root{member(volume, 'spec', 'hostPath', 'path')}")

    def _filter(self, action: str, chain: str, end: str, address: str) -> None:
        init = init_record(self._instance)
        if init is None:
            return
        inside = ["nsenter", f"--net=/proc/{init.pid}/ns/net", "iptables", "--wait", "--table", "raw"]
        subprocess.run([*inside, action, chain, end, address, "-j", "DROP"], check=True, capture_output=True)


def _nothing() -> None:
    """What is killed starts again by itself."""


def _parents() -> Iterator[tuple[int, int]]:
    """Give each process with its parent."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            stat = (entry / "stat").read_text()
            yield int(entry.name), int(stat.rpartition(")")[2].split()[1])


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    seen = set()
    while pid != ancestor:
        if pid in seen or pid not in parents:
            return False
        seen.add(pid)
        pid = parents[pid]
    return True


def _runs(pid: int, target: str) -> bool:
    try:
        words = (Path("/proc") / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    ending = _IN_PODS.get(target)
    if ending is None:
        return Path(words[0]).name == target
    return any(word.endswith(ending) for word in words[:_WORDS])
