"""How much of the machine's processors each side takes, where the cluster runs on this machine."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PROCESSES: Final = {
    "serviceexecution-gateway": "gateway",
    "serviceexecution-controller": "controller",
    "kube-apiserver": "API server",
    "etcd": "etcd",
    "versitygw": "store",
}
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def processor_seconds() -> dict[str, float]:
    """Return the CPU seconds so far of the processes that the witness depends on, and of "all".

    Those of another machine are missing.
    """
    found = {"all": _all_seconds()}
    for directory in Path("/proc").iterdir():
        name = _name_of(directory) if directory.name.isdecimal() else None
        if name is not None:
            found[name] = found.get(name, 0.0) + seconds_of(int(directory.name))
    return found


def seconds_of(process: int) -> float:
    """Return the CPU seconds of a process so far; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def shares(before: Mapping[str, float], after: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Return how many processors each took on average between two looks."""
    return {name: max(0.0, after[name] - before.get(name, 0.0)) / seconds for name in after}


def _all_seconds() -> float:
    user, nice, system, _idle, _waiting, *rest = map(
        int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:8]
    )
    return (user + nice + system + sum(rest)) / _TICKS


def _name_of(directory: Path) -> str | None:
    try:
        words = (directory / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    # Of a script the second or third word says what it is.
    names = (Path(word.decode(errors="replace")).name for word in words[:3])
    return next((_PROCESSES[name] for name in names if name in _PROCESSES), None)
