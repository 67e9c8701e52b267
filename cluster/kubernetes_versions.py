"""Which Kubernetes a cluster is made of: what can be asked for, and that a cluster keeps what it was made of."""

import re
from pathlib import Path
from typing import Final

from cluster.errors import LauncherError

DEFAULT: Final = "1.36.3"
"""The version whose module and sums are pinned in `cluster/go/kubernetes`."""
OLDEST: Final = (1, 31)
"""The oldest minor that the operator's chart installs on."""

_VARIABLE: Final = "SX_KUBERNETES"
_FORM: Final = re.compile(r"1\.([1-9][0-9]?)(\.(0|[1-9][0-9]{0,2}))?")
_RECORD: Final = "kubernetes-version"
"""File in the instance's state; a cluster without one has the default version, whichever that is."""


def asked_version(text: str) -> str | None:
    """Return the asked version, such as 1.31 or 1.31.14; None when none is.

    Raises LauncherError when no version looks like that, or the operator needs a newer one.
    """
    if not text:
        return None
    if not _FORM.fullmatch(text):
        raise LauncherError(f"{_VARIABLE} is {text[:40]!r}, but it can be a version such as 1.31 or 1.31.14.")
    if minor_of(text) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise LauncherError(f"{_VARIABLE} is {text!r}, but the operator needs Kubernetes {oldest} or newer.")
    return text


def minor_of(version: str) -> tuple[int, int]:
    """Return (1, 31) for 1.31 and 1.31.14."""
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


def fits(version: str, asked: str) -> bool:
    """Tell whether an exact version is what was asked for: the same, or one of the same minor when none is named."""
    return asked in {version, version.rpartition(".")[0]}


def kept_version(state: Path, asked: str | None) -> str | None:
    """Return the version of the cluster with that state, which it keeps; None when there is no cluster yet.

    Raises LauncherError when another one is asked for: its data was written by the version that it has.
    """
    if not (state / "link.json").exists():
        return None
    kept = _recorded(state) or DEFAULT
    if asked is not None and not fits(kept, asked):
        raise LauncherError(
            f"cluster {state.name!r} is one of Kubernetes {kept}, not {asked}, and keeps its version; run `make down` "
            f"first, or name another cluster: `SX_CLUSTER_NAME=other make up KUBERNETES={asked}`."
        )
    return kept


def record_version(state: Path, version: str) -> None:
    """Write down that the cluster with that state has this version, whatever the default will be."""
    state.mkdir(parents=True, exist_ok=True)
    (state / _RECORD).write_text(f"{version}\n")


def _recorded(state: Path) -> str | None:
    try:
        return (state / _RECORD).read_text().strip() or None
    except FileNotFoundError:
        return None
