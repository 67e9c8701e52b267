"""The installed operator as a test sees it: where it runs, whether it is ready, and how to kill it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import PODS
from tests.support.cluster import DEPLOYMENTS, Cluster, member, name_of, uid_of

OPERATOR_LABELS: Final = "app.kubernetes.io/name=serviceexecution"
_KILLER_IMAGE: Final = "docker.io/library/busybox:1.35.0"


@dataclass(frozen=True)
class Operator:
    """The operator's pods, found by the chart's labels in whatever namespace it was installed into."""

    cluster: Cluster
    namespace: str

    @classmethod
    def find(cls, cluster: Cluster) -> "Operator | None":
        """Return the operator, or None when none is installed."""
        pods = [pod for pod in cluster.select(PODS, None, labels=OPERATOR_LABELS) if _component(pod)]
        if not pods:
            return None
        namespaces = sorted({str(member(pod, "metadata", "namespace")) for pod in pods})
        usual = "serviceexecution-system"
        return cls(cluster, usual if usual in namespaces else namespaces[0])

    def pods(self) -> list[JsonObject]:
        """Return the operator's pods, those of ``helm test`` apart."""
        found = self.cluster.select(PODS, self.namespace, labels=OPERATOR_LABELS)
        return [pod for pod in found if _component(pod)]

    def wait_until_ready(self, *, seconds: float = 60, not_uids: frozenset[str] = frozenset()) -> None:
        """Wait until all operator pods are ready; pods of ``not_uids`` (killed before) do not count."""
        deployments = self.cluster.select(DEPLOYMENTS, self.namespace, labels=OPERATOR_LABELS)
        wanted = sum(cast("int", member(one, "spec", "replicas")) for one in deployments if _component(one))

        def ready(found: dict[str, JsonObject]) -> bool:
            pods = [pod for pod in found.values() if _component(pod)]
            fresh = [pod for pod in pods if uid_of(pod) not in not_uids]
            return wanted == len(fresh) == len(pods) and all(_is_ready(pod) for pod in fresh)

        self.cluster.wait_for_all(
            PODS,
            self.namespace,
            lambda found: ready(dict(found)),
            labels=OPERATOR_LABELS,
            seconds=seconds,
            what="the operator is ready",
        )

    def kill(self, container: str) -> frozenset[str]:
        """Kill -9 the container's process, then replace its pod at once, so that no crash back-off stands in
        the way of the next test. Returns the uids of the killed pods.

        A container's first process cannot be killed from inside, so that a short privileged pod on the same
        node does it: this works on every cluster.
        """
        killed = set()
        for pod in self.pods():
            if self.kill_container(pod, container):
                self.cluster.delete(PODS, self.namespace, name_of(pod), grace_seconds=0)
                killed.add(uid_of(pod))
        assert killed, f"the operator has no container {container}"
        return frozenset(killed)

    def kill_container(self, pod: JsonObject, container: str) -> bool:
        """Kill -9 all processes of one container of any pod; False when the pod has no such container."""
        statuses = cast("list[JsonObject]", member(pod, "status", "containerStatuses") or [])
        for status in statuses:
            if status["name"] == container:
                identifier = str(status.get("containerID", "")).rpartition("//")[2]
                self._kill_process(str(member(pod, "spec", "nodeName")), identifier)
                return True
        return False

    @contextlib.contextmanager
    def scaled_down(self) -> Iterator[None]:
        """Run without any operator, then start it again and wait until it is ready."""
        killed = frozenset(uid_of(pod) for pod in self.pods())
        deployments = self.cluster.select(DEPLOYMENTS, self.namespace, labels=OPERATOR_LABELS)
        replicas = {name_of(item): member(item, "spec", "replicas") for item in deployments}
        try:
            for name in replicas:
                self.cluster.patch(DEPLOYMENTS, self.namespace, name, {"spec": {"replicas": 0}})
            self.cluster.wait_for_all(
                PODS,
                self.namespace,
                lambda found: not any(_component(pod) for pod in found.values()),
                labels=OPERATOR_LABELS,
                seconds=60,
                what="the operator is gone",
            )
            yield
        finally:
            for name, number in replicas.items():
                self.cluster.patch(DEPLOYMENTS, self.namespace, name, {"spec": {"replicas": number}})
            self.wait_until_ready(not_uids=killed)

    def _kill_process(self, node: str, container_id: str) -> None:
        script = (
            f"for p in $(grep -l {container_id} /proc/[0-9]*/cgroup 2>/dev/null | cut -d/ -f3); do "
            "kill -9 $p 2>/dev/null && echo killed $p; done; true"
        )
        name = f"killer-{container_id[:12]}"
        self.cluster.create(
            PODS,
            "kube-system",
            {
                "metadata": {"name": name},
                "spec": {
                    "nodeName": node,
                    "hostPID": True,
                    "restartPolicy": "Never",
                    "terminationGracePeriodSeconds": 0,
                    "containers": [
                        {
                            "name": "killer",
                            "image": _KILLER_IMAGE,
                            "command": ["sh", "-c", script],
                            "securityContext": {"privileged": True},
                        }
                    ],
                },
            },
        )
        try:
            self.cluster.wait_for(
                PODS,
                "kube-system",
                name,
                lambda pod: member(pod, "status", "phase") in {"Succeeded", "Failed"},
                seconds=60,
                what="the killer pod's end",
            )
            log = self.cluster.pod_log("kube-system", name, "killer")
            assert "killed" in log, f"no process of {container_id} was found: {log}"
        finally:
            self.cluster.delete(PODS, "kube-system", name, grace_seconds=0)


def _component(pod: JsonObject) -> bool:
    labels = member(pod, "metadata", "labels")
    return isinstance(labels, dict) and labels.get("app.kubernetes.io/component") in {"controller", "gateway"}


def _is_ready(pod: JsonObject) -> bool:
    conditions = cast("list[JsonObject]", member(pod, "status", "conditions") or [])
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
