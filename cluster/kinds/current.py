"""The cluster of the current kubectl context: the operator is installed there, nothing else is touched."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.commands import run, succeeds
from cluster.console import say
from cluster.errors import LauncherError
from cluster.hashing import content_hash
from cluster.release.operator_release import CHART, Tools, install
from cluster.settings import CHECKOUT, OPERATOR_NAMESPACE, RELEASE


@dataclass(frozen=True)
class CurrentCluster:
    """See `kinds.cluster.Cluster` for the methods. SX_HELM_VALUES may name a values file."""

    def up(self, *, with_operator: bool = True) -> None:
        if not with_operator:
            return
        context = self._context()
        say(f"Cluster of the current context {context!r}: installing the operator there.")
        values = os.environ.get("SX_HELM_VALUES")
        content = content_hash([CHART], base=CHECKOUT)
        install(self._tools(), values=[Path(values)] if values else [], content=content, ours=False)

    def down(self) -> None:
        context = self._context()
        say(f"Cluster of the current context {context!r}: removing the operator, keeping CRDs and results.")
        argv = [
            "helm",
            "uninstall",
            RELEASE,
            "--namespace",
            OPERATOR_NAMESPACE,
            "--ignore-not-found",
            "--wait",
        ]
        run(argv, what="Removing the operator")

    def status(self) -> bool:
        context = self._context()
        argv = ["kubectl", "wait", "--for=condition=Available", "deployment", "--all", "--timeout=1s"]
        ready = succeeds([*argv, "--namespace", OPERATOR_NAMESPACE])
        print(f"Current context {context!r}: the operator is {'ready' if ready else 'not ready'}.")
        return ready

    def environment(self) -> Mapping[str, str]:
        return {"SX_CLUSTER_KIND": "current", "SX_CLUSTER_NAME": self._context()}

    def load(self, archive: Path) -> None:
        raise LauncherError(
            f"{archive} cannot be loaded into a cluster that is only known by its context; push the image to a "
            "registry that the cluster pulls from."
        )

    def _tools(self) -> Tools:
        return Tools("kubectl", "helm", None)

    def _context(self) -> str:
        for program in ("kubectl", "helm"):
            if shutil.which(program) is None:
                raise LauncherError(f"CLUSTER=current needs `{program}` in PATH.")
        return run(
            ["kubectl", "config", "current-context"], what="Reading the current kubectl context"
        ).strip()
