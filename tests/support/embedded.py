"""Embedded clusters of a test's own, beside the one that all tests share: what is broken there disturbs nobody."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from cluster.node.namespaces import init_record
from cluster.settings import CHECKOUT, Instance, instance

NEEDS: Final = (
    pytest.mark.cluster,
    pytest.mark.xdist_group("embedded"),  # one worker: such a cluster is enough beside the shared one
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0 or os.environ.get("CLUSTER", "embedded") != "embedded",
        reason="needs root on Linux and CLUSTER=embedded",
    ),
)


@dataclass(frozen=True)
class EmbeddedCluster:
    """An instance by its name, and what the launcher is told beside it."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def instance(self) -> Instance:
        """Return its places."""
        return instance({"SX_CLUSTER_NAME": self.name})

    def run(self, *words: str, check: bool = True) -> str:
        """Run ``python -m cluster``; return what it printed."""
        result = subprocess.run(
            [sys.executable, "-m", "cluster", *words],
            cwd=CHECKOUT,
            env={**os.environ, "SX_CLUSTER_NAME": self.name, "CLUSTER": "embedded", **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0 or not check, result.stdout + result.stderr
        return result.stdout + result.stderr

    def kubectl(self, *words: str, stdin: str = "") -> str:
        """Run kubectl; return what it printed."""
        argv = [
            str(self.instance.state / "bin" / "kubectl"),
            "--kubeconfig",
            str(self.instance.kubeconfig),
            *words,
        ]
        result = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=180)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def process_namespace(self) -> str:
        """Return what names the namespace of all its processes."""
        init = init_record(self.instance)
        assert init is not None, f"cluster {self.name} is down"
        return os.readlink(f"/proc/{init.pid}/ns/pid")  # noqa: PTH115 - the target is no path


def processes_in(namespace: str) -> Iterator[tuple[int, str]]:
    """Give the number and the command's name of every process in a process namespace."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "ns" / "pid") == namespace:  # noqa: PTH115 - the target is no path
                yield int(entry.name), (entry / "comm").read_text().strip()
        except OSError:
            continue
