"""The processes of the embedded cluster: its control plane, its node, and our installation on it."""

from pathlib import Path
from typing import Final

from benchmarks.bench.stage.processes import Running

_PROGRAMS: Final = (
    "kube-apiserver",
    "etcd",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "containerd",
)
_CONTROL_GROUP: Final = "serviceexecution"
"""With the cluster's name: above those of its pods."""
_OURS: Final = {"serviceexecution-controller": "controller", "serviceexecution-gateway": "gateway"}


def node_processes(state_directory: Path) -> tuple[Running, ...]:
    """Return what runs of the cluster that keeps its state there; several of one name get numbers."""
    found: dict[str, Running] = {}
    for directory in sorted(Path("/proc").glob("[0-9]*"), key=lambda one: int(one.name)):
        try:
            words = (directory / "cmdline").read_bytes().decode(errors="replace").split("\0")
            groups = (directory / "cgroup").read_text()
            parent = int((directory / "stat").read_text().rpartition(") ")[2].split()[1])
        except OSError:
            continue  # It has ended meanwhile
        name = _name_of(words, state_directory, groups)
        if name is None or any(parent == known.pid for known in found.values()):
            continue  # What forks looks like its parent until it runs another program
        number = sum(known.partition(" ")[0] == name for known in found)
        name = f"{name} {number + 1}" if number else name
        found[name] = Running(name, int(directory.name))
    return tuple(found.values())


def _name_of(words: list[str], state_directory: Path, groups: str) -> str | None:
    program = Path(words[0]).name
    if program in _PROGRAMS and any(str(state_directory) in word for word in words[1:]):
        return program
    if f"/{_CONTROL_GROUP}-{state_directory.name}/" not in groups:
        return None
    # Pods see a file system of their own: they are known by what they run
    return next((_OURS[Path(word).name] for word in words if Path(word).name in _OURS), None)


def machine_cpu_seconds() -> float:
    """Return the CPU time of all that the machine has done so far."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    ticks = [int(one) for one in fields[:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / 100  # Neither idle nor waiting for a disk
