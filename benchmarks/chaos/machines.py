"""The nodes of an embedded cluster: their processes, and the network between them.

Only processes of that one cluster are touched: the descendants of the first process of each node.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.node.network import NODE_INTERFACE
from cluster.node.places import further_places
from cluster.node.processes import ProcessRecord
from cluster.settings import NODE_NAME, Instance

_IN_PODS: Final = {
    "controller": "/serviceexecution-controller",
    "gateway": "/serviceexecution-gateway",
    "collector": "/collector/main.py",
}
"""By target: how a word of its command line ends. All others are found by the name of their program."""
_WORDS: Final = 6
_EVERY_LINK: Final = "node+"
"""In the first node's network: the interfaces to all other nodes, each named after its node."""
_LOOKS: Final = 3
"""How often a node's processes are looked for, since one that is stopped late may have made others."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One node that runs."""

    name: str
    init: int
    """The number of its first process."""


@dataclass(frozen=True, slots=True)
class Group:
    """Processes that are one thing, such as all those of one container."""

    machine: Machine
    pids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Machines:
    """All nodes of one cluster."""

    instance: Instance

    def all(self) -> list[Machine]:
        """Return the nodes that run, the one with the control plane first."""
        files = {NODE_NAME: self.instance.state / "init.json"}
        files |= {place.name: place.init_file for place in further_places(self.instance)}
        records = {name: ProcessRecord.read(file) for name, file in files.items()}
        return [Machine(name, found.pid) for name, found in records.items() if found and found.alive()]

    def named(self, name: str) -> Machine | None:
        """Return the node of that name, None when it does not run."""
        return next((one for one in self.all() if one.name == name), None)

    def groups(self, target: str) -> list[Group]:
        """Return what runs of a target, by node and container."""
        parents = dict(_parents())
        found: dict[tuple[Machine, str], list[int]] = {}
        for machine in self.all():
            for pid in sorted(descendants(machine.init, parents)):
                namespace = _process_namespace(pid)
                if namespace and _runs(pid, target):
                    found.setdefault((machine, namespace), []).append(pid)
        return [Group(machine, tuple(pids)) for (machine, _), pids in found.items()]

    def cut(self, machine: Machine) -> Callable[[], None]:
        """Let nothing that a node sends arrive anywhere, nor anything that it is sent; return what ends that."""
        rules = self._links(machine)
        for inside, interface in rules:
            _filter(inside, "--insert", "--in-interface", interface)

        def join() -> None:
            for inside, interface in rules:
                _filter(inside, "--delete", "--in-interface", interface)

        return join

    def _links(self, machine: Machine) -> list[tuple[Machine, str]]:
        """Return each end of a link of the node where packets arrive: the inside of which node, and which interface.

        The ends on the host are the host's own: what the first node sends arrives there, but no answer comes back.
        """
        first = self.all()[0]
        far = machine.name if machine.name != NODE_NAME else _EVERY_LINK
        return [(machine, NODE_INTERFACE), (first, far)]


def cut_address(machine: Machine, address: str) -> Callable[[], None]:
    """Let no packet of a pod on that node pass, in either direction; return what ends that."""
    rules = (("PREROUTING", "--source"), ("PREROUTING", "--destination"), ("OUTPUT", "--destination"))
    for chain, end in rules:
        _filter(machine, "--insert", end, address, chain=chain)

    def connect() -> None:
        for chain, end in rules:
            _filter(machine, "--delete", end, address, chain=chain)

    return connect


def freeze(machine: Machine) -> Callable[[], None]:
    """Stop every process of a node, its programs among them; return what lets them go on."""
    for _ in range(_LOOKS):
        send(sorted(descendants(machine.init, dict(_parents()))), signal.SIGSTOP)

    def thaw() -> None:
        send(sorted(descendants(machine.init, dict(_parents()))), signal.SIGCONT)

    return thaw


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to those that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def descendants(ancestor: int, parents: dict[int, int]) -> set[int]:
    """Return a process and all that it started, directly or not; ``parents`` has the parent of every process."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found, waiting = set[int](), [ancestor] if ancestor in parents else []
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found


def chosen(groups: Sequence[Group], pick: float) -> Group | None:
    """Return the one that ``pick`` names, a number from 0 to below 1; None when there is none."""
    return groups[int(pick * len(groups))] if groups else None


def _filter(inside: Machine, change: str, *match: str, chain: str = "PREROUTING") -> None:
    entered = ["nsenter", f"--net=/proc/{inside.init}/ns/net", "iptables", "--wait", "--table", "raw"]
    subprocess.run([*entered, change, chain, *match, "--jump", "DROP"], check=True, capture_output=True)


def _parents() -> Iterator[tuple[int, int]]:
    """Give each process with its parent."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            stat = (entry / "stat").read_text()
            yield int(entry.name), int(stat.rpartition(")")[2].split()[1])


def _process_namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115 - the target is no path
    except OSError:
        return ""


def _runs(pid: int, target: str) -> bool:
    try:
        words = (Path("/proc") / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    ending = _IN_PODS.get(target)
    if ending is None:
        return Path(words[0]).name == target
    return any(word.endswith(ending) for word in words[:_WORDS])
