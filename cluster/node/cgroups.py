"""The control groups below which all pods of one cluster live, in version 1, hybrid and version 2 layouts."""

import contextlib
import time
from pathlib import Path
from typing import Final

from cluster.errors import LauncherError

ROOT: Final = Path("/sys/fs/cgroup")
# A new cpuset group of version 1 is unusable until it is told which processors and memory nodes it may use.
_CPUSET_FILES: Final = ("cpuset.cpus", "cpuset.mems")
_VERSION_2_CONTROLLERS: Final = ("cpuset", "cpu", "io", "memory", "pids", "hugetlb")


def hierarchies(root: Path = ROOT) -> list[Path]:
    """The mounted hierarchies: the root alone in version 2, one directory per controller otherwise."""
    if (root / "cgroup.controllers").exists():
        return [root]
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())


def create(name: str, root: Path = ROOT) -> None:
    """Make the group in every hierarchy, ready to hold the kubelet's groups."""
    for hierarchy in hierarchies(root):
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for file in _CPUSET_FILES:
            if (group / file).exists() and hierarchy != root:
                (group / file).write_text((hierarchy / file).read_text())
    if (root / "cgroup.controllers").exists():
        available = (root / "cgroup.controllers").read_text().split()
        wanted = " ".join(f"+{name}" for name in _VERSION_2_CONTROLLERS if name in available)
        (root / "cgroup.subtree_control").write_text(wanted)
        (root / name / "cgroup.subtree_control").write_text(wanted)


def remove(name: str, root: Path = ROOT, *, timeout: float = 60.0) -> None:
    """Remove the group and all below it, everywhere.

    Raises LauncherError when processes are still in it after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    for hierarchy in hierarchies(root):
        group = hierarchy / name
        while group.exists():
            # Deepest first; a group empties a moment after its last process was killed.
            for child in sorted(group.rglob("*/"), key=lambda path: len(path.parts), reverse=True):
                with contextlib.suppress(OSError):
                    child.rmdir()
            with contextlib.suppress(OSError):
                group.rmdir()
            if group.exists():
                if time.monotonic() > deadline:
                    raise LauncherError(
                        f"the control group {group} still has processes and cannot be removed."
                    )
                time.sleep(0.05)
