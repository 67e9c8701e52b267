"""What every kind of cluster can do, and the choice by CLUSTER=embedded|kind|current."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from cluster.errors import LauncherError

KINDS: Final = ("embedded", "kind", "current")


class Cluster(Protocol):
    """One kind of cluster; every method may raise LauncherError."""

    def up(self, *, with_operator: bool = True) -> None:
        """Bring it to a ready node, and with the operator installed, from whatever state it is in."""

    def down(self) -> None:
        """Remove what `up` made."""

    def status(self) -> bool:
        """Print what runs where; return whether everything is ready."""

    def environment(self) -> Mapping[str, str]:
        """Variables for kubectl, helm and the tests. PATH holds only what is to come before the caller's."""

    def load(self, archive: Path) -> None:
        """Put an OCI or Docker image archive into its nodes."""


def check_kind(text: str) -> str:
    """Return the kind's name. Raises LauncherError when there is no such kind."""
    if text not in KINDS:
        raise LauncherError(f"CLUSTER is {text!r}, but it can be {', '.join(KINDS[:-1])} or {KINDS[-1]}.")
    return text
