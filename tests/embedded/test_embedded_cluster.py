"""The embedded cluster itself, on an instance of its own: volumes, Services, a killed run, and nothing left behind."""

import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.images.binaries import HELM_ONLY, build_all
from cluster.lock import if_free
from cluster.node.namespaces import init_record
from cluster.node.processes import ProcessRecord
from cluster.release.operator_release import CHART
from cluster.settings import EGRESS_PORT, cache_home
from tests.support.embedded import NEEDS, EmbeddedCluster, processes_in

NAME = "leavenothing"
NODE_PORT = 30999
# What Kubernetes on a host usually leaves behind.
PLACES = (
    *("/var/lib/cni", "/var/lib/kubelet", "/var/lib/containerd", "/var/log/pods", "/var/log/containers"),
    *("/run/containerd", "/run/netns", "/etc/cni/net.d", "/proc/sys/net/ipv4/ip_forward"),
)
OBJECTS = f"""
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteMany], resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{type: NodePort, selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080, nodePort: {NODE_PORT}}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web, labels: {{app: web}}}}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {{runAsUser: 1234, runAsGroup: 1234, runAsNonRoot: true}}
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
  containers:
    - name: web
      image: docker.io/library/busybox:1.35.0
      # The line of the second run shows that the volume kept the first one's; the lookup, that DNS answers.
      command:
        - sh
        - -ec
        - >-
          until nslookup kubernetes.default.svc.cluster.local > /dev/null; do sleep 0.2; done;
          echo run >> /www/index.html;
          exec httpd -f -p 8080 -h /www
      volumeMounts: [{{name: data, mountPath: /www, subPath: by/uid}}]
      readinessProbe: {{httpGet: {{port: 8080, path: /index.html}}, periodSeconds: 1}}
"""

pytestmark = list(NEEDS)


@dataclass(frozen=True)
class Host:
    """What can be seen of the machine's state from outside of any cluster."""

    mounts: frozenset[str]
    interfaces: frozenset[str]
    packet_filter: str
    control_groups: frozenset[str]
    places: frozenset[tuple[str, str]]

    @staticmethod
    def look() -> "Host":
        filters = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
        groups = Path("/sys/fs/cgroup").glob(f"**/*{NAME}*")
        return Host(
            # Builds of others come and go.
            frozenset(mount for mount in mounted() if not _of_builds(mount)),
            frozenset(path.name for path in Path("/sys/class/net").iterdir() if not _of_others(path.name)),
            re.sub(r"^#.*\n|\[\d+:\d+\]", "", filters, flags=re.MULTILINE),
            frozenset(str(path) for path in groups),
            frozenset((place, _describe(Path(place))) for place in PLACES),
        )


def _of_others(interface: str) -> bool:
    return interface.startswith("sx-") and interface != f"sx-{NAME}"


def mounted() -> list[str]:
    return [line.split(" ")[1] for line in Path("/proc/mounts").read_text().splitlines()]


def _of_builds(mount: str) -> bool:
    return Path(mount).is_relative_to(cache_home() / "buildah")


def _describe(path: Path) -> str:
    if path.is_dir():
        return ",".join(sorted(child.name for child in path.iterdir()))
    return path.read_text() if path.exists() else "none"


def page(cluster: EmbeddedCluster) -> list[str]:
    """Read the pod's page from the host, through the NodePort, whose rules follow the pod's readiness in a moment."""
    link = json.loads((cluster.instance.state / "link.json").read_text())
    deadline = time.monotonic() + 30
    while True:
        connection = http.client.HTTPConnection(link["node"], NODE_PORT, timeout=10)
        try:
            connection.request("GET", "/index.html")
            return connection.getresponse().read().decode().split()
        except OSError:  # refused, or no way to the pod that was there before
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        finally:
            connection.close()


def proxy_says(cluster: EmbeddedCluster) -> str:
    """What a pod hears from the way out for builds when it asks for no URL: no package server is needed for that."""
    link = json.loads((cluster.instance.state / "link.json").read_text())
    line = f"wget -q -O - http://{link['host']}:{EGRESS_PORT}/ 2>&1 || true"
    return cluster.kubectl("exec", "web", "--", "sh", "-c", line)


@dataclass(frozen=True)
class Own:
    """An instance of these tests' own, and the host as it was before."""

    cluster: EmbeddedCluster
    before: Host


@pytest.fixture(scope="module")
def own(embedded_turn: None) -> Iterator[Own]:
    cluster = EmbeddedCluster(NAME)
    cluster.run("down")  # of an earlier test run that was killed
    yield Own(cluster, Host.look())
    cluster.run("down")


@pytest.mark.timeout(900)
def test_helm_4_installs_the_chart(own: Own) -> None:
    """With Helm 3 every `make up` does so."""
    cluster = own.cluster
    cluster.run("up", "--without-operator")
    helm = str(build_all(cache_home(), HELM_ONLY) / "helm4")
    namespace = ("--namespace", "by-helm-4", "--kubeconfig", str(cluster.instance.kubeconfig))
    install = ("upgrade", "--install", "sx", str(CHART), *namespace, "--create-namespace", "--wait")
    for words in ((*install, "--timeout", "3m"), ("uninstall", "sx", *namespace, "--wait")):
        result = subprocess.run([helm, *words], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
    # The values' default: the definition, and with it every execution, stays.
    cluster.kubectl("get", "crd", "serviceexecutions.serviceexecution.dev")
    cluster.kubectl("delete", "namespace", "by-helm-4")


@pytest.mark.timeout(900)
def test_a_cluster_survives_a_kill_and_leaves_nothing_behind(own: Own) -> None:
    cluster, ours = own.cluster, own.cluster.instance
    cluster.run("up", "--without-operator")
    cluster.kubectl("apply", "-f", "-", stdin=OBJECTS)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    assert page(cluster) == ["run"]
    assert "already running" in cluster.run("up", "--without-operator")
    assert "400 Bad Request" in proxy_says(cluster)
    proxy = ProcessRecord.read(ours.state / "egress.json")
    assert proxy is not None

    first = init_record(ours)
    assert first is not None
    namespaces = [cluster.process_namespace()]
    assert len(list(processes_in(namespaces[0]))) > 8
    os.kill(first.pid, signal.SIGKILL)
    first.kill()  # waits for its end
    cluster.run("up", "--without-operator")
    assert not proxy.alive()
    restarted = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
    cluster.kubectl("wait", restarted, "pod/web", "--timeout=60s")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    assert page(cluster) == ["run", "run"]

    cluster.kubectl("delete", "pod/web", "pvc/data")
    cluster.kubectl("wait", "--for=delete", "pv", "--all", "--timeout=30s")
    assert list((ours.state / "volumes").iterdir()) == []

    second_proxy = ProcessRecord.read(ours.state / "egress.json")
    assert second_proxy is not None
    assert second_proxy.alive()
    namespaces.append(cluster.process_namespace())
    cluster.run("down")
    assert [list(processes_in(name)) for name in namespaces] == [[], []]
    assert not second_proxy.alive()
    assert not ours.state.exists()
    assert not ours.lock_file.exists()
    assert Host.look() == own.before
    with if_free(cache_home() / "images.lock") as nobody_builds:
        assert not nobody_builds or not any(map(_of_builds, mounted())), "image builds left mounts"
    assert "is down" in cluster.run("status", check=False)
