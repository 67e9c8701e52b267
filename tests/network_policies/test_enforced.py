"""The chart's NetworkPolicies under an agent that enforces them, as pods on both sides of them see it.

``make network-policies`` runs this; it is no part of ``make test``, since the agent takes minutes to build.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from cluster.images.binaries import POLICY_PROGRAMS, build_all
from cluster.node.policy_agent import enforcing
from cluster.settings import cache_home, instance
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import PODS
from tests.support.cluster import Cluster, member, name_of, uid_of
from tests.support.operator import Operator
from tests.support.pod_server import is_ready
from tests.support.polling import poll_until
from tests.support.sandbox import Sandbox, shell
from tools.chart.install_manifest import CHART

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(900)]

RELEASE: Final = "serviceexecution"
COMPONENT: Final = "app.kubernetes.io/component"
IMAGE: Final = "ghcr.io/serviceexecution/operator:0.1.0"
OTHER_PORT: Final = 7000
"""Where each pod of these tests listens, so that the operator's pods can try to reach it."""
LISTEN: Final = f"""
import http.server
http.server.HTTPServer(("", {OTHER_PORT}), http.server.BaseHTTPRequestHandler).serve_forever()
"""
CONNECT: Final = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
    print("through")
except OSError as error:
    print("refused:", error)
"""
Place = tuple[str, int]


@pytest.fixture
def friends(new_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Return a namespace that ``networkPolicy.gatewayFrom`` names."""
    return new_sandbox()


@pytest.fixture
def monitoring(new_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """Return a namespace that ``networkPolicy.metricsFrom`` names."""
    return new_sandbox()


@pytest.fixture
def policies(
    friends: Sandbox, monitoring: Sandbox, operator: Operator, helm: Callable[..., str], tmp_path: Path
) -> Iterator[None]:
    """Install the chart's NetworkPolicies; without them again afterwards."""
    values = {
        "enabled": True,
        "gatewayFrom": [namespace(friends)],
        "metricsFrom": [namespace(monitoring)],
        "registryFrom": [{"ipBlock": {"cidr": "10.213.0.0/16"}}],
    }
    file = tmp_path / "values.yaml"
    file.write_text(json.dumps({"networkPolicy": values}))
    helm("upgrade", RELEASE, CHART, "--reset-then-reuse-values", f"--values={file}", "--wait")
    try:
        yield
    finally:
        back = ["enabled=false", "gatewayFrom=null", "metricsFrom=null", "registryFrom=null"]
        words = [word for setting in back for word in ("--set", f"networkPolicy.{setting}")]
        helm("upgrade", RELEASE, CHART, "--reset-then-reuse-values", *words, "--wait")
        operator.wait_until_ready()


@pytest.fixture
def agent() -> Path:
    """Return the agent's program."""
    return build_all(cache_home(), POLICY_PROGRAMS) / "kube-router"


def namespace(sandbox: Sandbox) -> JsonObject:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": sandbox.name}}}


@pytest.mark.usefixtures("policies")
def test_each_pod_reaches_what_the_policies_allow_and_nothing_else(
    sandbox: Sandbox, friends: Sandbox, monitoring: Sandbox, operator: Operator, agent: Path
) -> None:
    api = (address(operator, "gateway"), 8080)
    gateway_metrics, controller_metrics = (api[0], 9090), (address(operator, "controller"), 9090)
    registry = (address(operator, "registry"), 5000)
    pods = (api[0], 8081)
    places = {api, pods, gateway_metrics, controller_metrics, registry}
    may: Mapping[tuple[Sandbox, str], set[Place]] = {
        (sandbox, start(sandbox, "stranger", {})): set(),
        (sandbox, start(sandbox, "client", {"serviceexecution.dev/gateway-client": "true"})): {api, pods},
        (friends, start(friends, "friend", {})): {api},
        (monitoring, start(monitoring, "monitor", {})): {gateway_metrics, controller_metrics},
    }
    for where, pod in may:
        for place in places:
            assert connect(where.name, f"pod/{pod}", place) == "through", (
                "without an agent nothing is enforced"
            )
    with enforcing(instance(), agent):
        for (where, pod), allowed in may.items():
            for place in allowed:
                reached = f"{pod} reaches {place}"
                poll_until(
                    lambda: connect(where.name, f"pod/{pod}", place) == "through",  # noqa: B023
                    seconds=30,
                    what=reached,
                )
            for place in places - allowed:
                assert connect(where.name, f"pod/{pod}", place).startswith("refused"), (pod, place)
    for place in places:
        assert connect(sandbox.name, "pod/stranger", place) == "through", "the agent left no rule behind"


@pytest.mark.usefixtures("policies")
def test_the_operators_pods_reach_the_api_server_names_and_the_gateway(
    sandbox: Sandbox, operator: Operator, agent: Path
) -> None:
    start(sandbox, "stranger", {})
    pod = sandbox.cluster.get(PODS, sandbox.name, "stranger")
    stranger = (str(member(pod, "status", "podIP")), OTHER_PORT)
    api_server = ("kubernetes.default.svc", 443)
    for component in ("controller", "gateway"):
        deployment = f"deployment/{RELEASE}-{component}"
        assert connect(operator.namespace, deployment, stranger) == "through"
    with enforcing(instance(), agent):
        for component in ("controller", "gateway"):
            deployment = f"deployment/{RELEASE}-{component}"
            assert connect(operator.namespace, deployment, api_server) == "through"
            assert connect(operator.namespace, deployment, stranger).startswith("refused")
        gateway = (address(operator, "gateway"), 8081)
        controller = f"deployment/{RELEASE}-controller"
        assert connect(operator.namespace, controller, gateway) == "through", (
            "it looks whether a gateway is there"
        )


@pytest.mark.usefixtures("policies")
def test_executions_run_and_new_operator_pods_become_ready(
    sandbox: Sandbox, operator: Operator, agent: Path
) -> None:
    with enforcing(instance(), agent):
        final = sandbox.succeed({"runtime": shell("echo kept > /var/runtime/output/file.txt")})
        assert member(final, "status", "result", "fileCount") == 1
        old = operator.pods()
        for pod in old:
            operator.cluster.delete(PODS, operator.namespace, name_of(pod))
        operator.wait_until_ready(seconds=120, not_uids=frozenset(uid_of(pod) for pod in old))


def start(sandbox: Sandbox, name: str, labels: JsonObject) -> str:
    """Run a pod that listens and from which others can be tried; return its name."""
    security: JsonObject = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container: JsonObject = {
        "name": "main",
        "image": IMAGE,
        "command": ["python3", "-c", LISTEN],
        "securityContext": security,
        "readinessProbe": {"tcpSocket": {"port": OTHER_PORT}, "periodSeconds": 1},
    }
    user: JsonObject = {
        "runAsUser": 1000,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    spec: JsonObject = {
        "securityContext": user,
        "containers": [container],
        "terminationGracePeriodSeconds": 0,
    }
    sandbox.cluster.create(PODS, sandbox.name, {"metadata": {"name": name, "labels": labels}, "spec": spec})
    sandbox.cluster.wait_for(PODS, sandbox.name, name, is_ready, seconds=60, what=f"{name} is ready")
    return name


def address(operator: Operator, component: str) -> str:
    """Return the IP address of the component's pod."""
    cluster: Cluster = operator.cluster
    (pod,) = cluster.select(PODS, operator.namespace, labels=f"{COMPONENT}={component}")
    return str(member(pod, "status", "podIP"))


def connect(namespace: str, where: str, place: Place) -> str:
    """Return ``through``, or ``refused`` with the error, as ``where`` finds ``place``."""
    words = ["kubectl", "exec", f"--namespace={namespace}", where, "--", "python3", "-c", CONNECT]
    done = subprocess.run([*words, place[0], str(place[1])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
