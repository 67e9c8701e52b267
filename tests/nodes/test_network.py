"""Pods on three nodes reach each other, Services, names and the same volumes, as on any cluster."""

import secrets
from collections.abc import Iterator
from typing import Final

import pytest

from tests.nodes.machines import NAMES
from tests.support.embedded import NEEDS, EmbeddedCluster

pytestmark = [*NEEDS, pytest.mark.timeout(900)]

SERVICE: Final = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
"""
POD: Final = """
apiVersion: v1
kind: Pod
metadata: {{name: {node}, labels: {{app: web}}}}
spec:
  nodeName: {node}
  terminationGracePeriodSeconds: 0
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
  containers:
    - name: web
      image: docker.io/library/python:3.11-slim-bookworm
      command: [sh, -ec, "mkdir /www; echo {node} > /www/index.html; echo {node} > /data/{node}; echo up;
        exec python3 -m http.server --directory /www 8080 2> /dev/null"]
      volumeMounts: [{{name: data, mountPath: /data}}]
      readinessProbe: {{httpGet: {{port: 8080, path: /index.html}}, periodSeconds: 1}}
"""


@pytest.fixture(scope="module")
def namespace(nodes: EmbeddedCluster) -> Iterator[str]:
    name = f"network-{secrets.token_hex(4)}"
    nodes.kubectl("create", "namespace", name)
    nodes.kubectl("--namespace", name, "apply", "-f", "-", stdin=SERVICE)
    for node in NAMES:
        nodes.kubectl("--namespace", name, "apply", "-f", "-", stdin=POD.format(node=node))
    nodes.kubectl("--namespace", name, "wait", "--for=condition=Ready", "pod", "--all", "--timeout=90s")
    yield name
    nodes.kubectl("delete", "namespace", name)


def test_pods_of_every_node_reach_each_other_and_the_service(nodes: EmbeddedCluster, namespace: str) -> None:
    found = nodes.kubectl(
        "--namespace", namespace, "get", "pods", "--output", "jsonpath={.items[*].status.podIP}"
    )
    asked = [f"http://{address}:8080/" for address in found.split()]
    for node in NAMES:
        assert sorted(ask(nodes, namespace, node, asked)) == list(NAMES)
        by_name = ask(nodes, namespace, node, [f"http://web.{namespace}.svc.cluster.local/"] * 3)
        assert set(by_name) <= set(NAMES)


def ask(nodes: EmbeddedCluster, namespace: str, node: str, urls: list[str]) -> list[str]:
    """Return what a program on that node reads at each of the URLs; rules and names follow pods in a moment."""
    program = f"""
import time, urllib.request
for url in {urls}:
    end = time.monotonic() + 30
    while True:
        try:
            print(urllib.request.urlopen(url, timeout=5).read().decode().strip())
            break
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
"""
    said = nodes.kubectl("--namespace", namespace, "exec", node, "--", "python3", "-c", program)
    return said.split()


def test_logs_and_volumes_are_the_clusters_whatever_the_node(nodes: EmbeddedCluster, namespace: str) -> None:
    for node in NAMES:
        assert nodes.kubectl("--namespace", namespace, "logs", node) == "up\n"
        seen = nodes.kubectl("--namespace", namespace, "exec", node, "--", "ls", "/data")
        assert seen.split() == list(NAMES)
