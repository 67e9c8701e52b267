"""Installing the operator's chart and waiting until it is ready."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cluster.commands import run
from cluster.console import say, step
from cluster.errors import LauncherError
from cluster.settings import CHECKOUT, OPERATOR_NAMESPACE, RELEASE

CHART: Final = CHECKOUT / "charts" / "serviceexecution"
VALUES: Final = CHECKOUT / "cluster" / "values-embedded.yaml"
_TIMEOUT: Final = "3m"


@dataclass(frozen=True)
class Tools:
    """Programs and the kubeconfig they use; None leaves the choice to the programs' own rules."""

    kubectl: str
    helm: str
    kubeconfig: Path | None

    @property
    def environment(self) -> Mapping[str, str]:
        return {} if self.kubeconfig is None else {"KUBECONFIG": str(self.kubeconfig)}


def install(tools: Tools, *, values: Sequence[Path], content: str, ours: bool) -> None:
    """Install or upgrade the release and wait until its pods are ready.

    `tools` are helm, kubectl and the cluster. Of the files `values` later ones win. `content` changes with the images'
    content, so that pods are replaced when an image changed under its name. `ours` says that the cluster belongs to
    this checkout, so CRDs that were applied by hand may be taken over. Raises LauncherError when the chart was refused
    or its pods did not become ready.
    """
    if not (CHART / "Chart.yaml").exists():
        say("  there is no chart in this checkout: the operator is not installed")
        return
    with step(f"installing the operator into namespace {OPERATOR_NAMESPACE}"):
        ensure_namespace(tools)
        _recover(tools)
        _end_interrupted_rollouts(tools)
        argv = [
            *(tools.helm, "upgrade", "--install", RELEASE, str(CHART), "--namespace", OPERATOR_NAMESPACE),
            *(word for file in values for word in ("--values", str(file))),
            *("--set-string", f"podAnnotations.serviceexecution\\.dev/image-content={content}"),
            *("--wait", "--timeout", _TIMEOUT),
            *(["--take-ownership"] if ours else []),
        ]
        try:
            run(argv, what="Installing the operator", environment=tools.environment)
        except LauncherError as error:
            raise LauncherError(f"{error}\n{_pods(tools)}") from error


def _pods(tools: Tools) -> str:
    """What the operator's pods say, for the error of an installation that did not become ready."""
    parts = []
    for argv in (
        ["get", "pods"],
        ["logs", f"--selector=app.kubernetes.io/instance={RELEASE}", "--tail=5", "--prefix"],
    ):
        try:
            parts.append(
                run(
                    [tools.kubectl, *argv, "--namespace", OPERATOR_NAMESPACE],
                    what="Reading the operator's pods",
                    environment=tools.environment,
                )
            )
        except LauncherError as error:
            parts.append(str(error))
    return "\n".join(f"    {line}" for part in parts for line in part.strip().splitlines())


def ensure_namespace(tools: Tools) -> None:
    """The namespace enforces the strictest level of Pod Security, which the operator's pods pass."""
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": OPERATOR_NAMESPACE,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }
    argv = [tools.kubectl, "apply", "--server-side", "--force-conflicts", "-f", "-"]
    run(
        argv,
        what="Creating the operator's namespace",
        environment=tools.environment,
        stdin=json.dumps(namespace),
    )


def _recover(tools: Tools) -> None:
    """An interrupted installation leaves the release pending for ever; helm then refuses the next one."""
    try:
        text = run(
            [tools.helm, "status", RELEASE, "--namespace", OPERATOR_NAMESPACE, "--output", "json"],
            what="Looking for the operator's release",
            environment=tools.environment,
        )
    except LauncherError:
        return  # Not installed yet; anything worse shows at the installation itself
    status = str(json.loads(text)["info"]["status"])
    for command in recovery(status):
        say(f"  an earlier installation was interrupted: helm {command[0]}")
        run(
            [tools.helm, *command, "--namespace", OPERATOR_NAMESPACE],
            what="Cleaning up after an interrupted installation",
            environment=tools.environment,
        )


def _end_interrupted_rollouts(tools: Tools) -> None:
    """Delete Deployments in the middle of a rollout; the installation that follows makes them anew.

    Kubernetes never ends a rollout that is scaled and becomes ``Recreate`` half way, which is what an interrupted
    change between the chart's shapes leaves behind: its Deployment controller waits for ReplicaSets that it no longer
    scales.
    """
    where = ["--namespace", OPERATOR_NAMESPACE]
    labels = f"--selector=app.kubernetes.io/instance={RELEASE}"
    listed = run(
        [tools.kubectl, "get", "replicasets", labels, *where, "--output=json"],
        what="Looking for interrupted rollouts",
        environment=tools.environment,
    )
    for name in interrupted_rollouts(json.loads(listed)["items"]):
        say(f"  a rollout of {name} was interrupted: its Deployment is recreated")
        run(
            [tools.kubectl, "delete", "deployment", name, "--ignore-not-found", *where],
            what="Ending an interrupted rollout",
            environment=tools.environment,
        )


def interrupted_rollouts(replica_sets: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the Deployments that want pods of more than one of ``replica_sets``."""
    wanted = Counter(
        owner["name"]
        for one in replica_sets
        if one["spec"].get("replicas", 0) > 0
        for owner in one["metadata"].get("ownerReferences", [])
    )
    return sorted(name for name, count in wanted.items() if count > 1)


def recovery(status: str) -> list[list[str]]:
    """The helm commands that bring a release in `status` back to where an upgrade is possible."""
    if status in {"pending-upgrade", "pending-rollback"}:
        return [["rollback", RELEASE]]
    if status in {"pending-install", "uninstalling"}:
        return [["uninstall", RELEASE]]
    return []
