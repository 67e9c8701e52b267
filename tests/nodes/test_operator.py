"""The operator in its large shape while a node of its own falls silent, and while it is upgraded under load.

The store's server is on the third node, where nothing else of it is. Controllers and gateways are on the others.
"""

import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, cast

import httpx
import pytest

from cluster.node.namespaces import link_of
from cluster.settings import GATEWAY_NODE_PORT
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import LEASES, PODS
from tests.nodes.machines import NAMES, Machines, node_of
from tests.support.cluster import Cluster, member, name_of, uid_of
from tests.support.embedded import NEEDS, EmbeddedCluster
from tests.support.figures import FIGURE
from tests.support.large_shape import RELEASE, large_shape
from tests.support.operator import Operator
from tests.support.polling import poll_until
from tests.support.sandbox import TERMINAL, Sandbox, main_state, phase_and_reason, shell
from tools import ROOT
from tools.chart.install_manifest import CHART

pytestmark = [*NEEDS, pytest.mark.timeout(900)]

LEASE: Final = "serviceexecution-controller"
HAND_OVER: Final = 15
"""Seconds after which another controller leads, at the latest, when the leader's node has fallen silent."""
FIRST, SECOND, THIRD = NAMES
COMPONENT: Final = "app.kubernetes.io/component"
ENDLESS: Final = "trap 'echo told; exit 7' TERM; while :; do sleep 0.2; done"
WRITES: Final = "sleep {seconds}; printf '{{\"done\": true}}' > /var/runtime/output/output.json; echo last"


@dataclass(frozen=True)
class Large:
    """The installed large shape."""

    nodes: EmbeddedCluster
    operator: Operator

    def leader(self) -> str:
        """Return the name of the pod whose controller leads."""
        lease = self.operator.cluster.get(LEASES, self.operator.namespace, LEASE)
        return str(member(lease, "spec", "holderIdentity") or "").rpartition("-")[0] if lease else ""

    def pods(self, component: str) -> list[JsonObject]:
        """Return the pods of a component."""
        return [
            pod for pod in self.operator.pods() if member(pod, "metadata", "labels", COMPONENT) == component
        ]

    def on_the_second(self, component: str) -> JsonObject:
        """Return a component's pod on the second node; both are on the first when the second was silent before."""
        if all(node_of(pod) != SECOND for pod in self.pods(component)):
            self.nodes.kubectl("cordon", FIRST)
            self.replace(self.pods(component)[0])
            self.nodes.kubectl("uncordon", FIRST)
        return next(pod for pod in self.pods(component) if node_of(pod) == SECOND)

    def replace(self, pod: JsonObject) -> None:
        """Delete a pod, and wait until another one is there."""
        self.operator.cluster.delete(PODS, self.operator.namespace, name_of(pod))
        self.operator.wait_until_ready(seconds=120, not_uids=frozenset({uid_of(pod)}))

    def wait_until_ready(self) -> None:
        """Wait until both controllers and both gateways are ready."""
        poll_until(lambda: self._ready() == 4, seconds=180, what="both pairs are ready")

    def _ready(self) -> int:
        def is_ready(pod: JsonObject) -> bool:
            conditions = cast("list[JsonObject]", member(pod, "status", "conditions") or [])
            return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

        found = self.operator.pods()
        return sum(is_ready(pod) and not member(pod, "metadata", "deletionTimestamp") for pod in found)

    def helm(self, *words: str) -> str:
        """Run helm against the release; return what it printed."""
        instance = self.nodes.instance
        argv = [str(instance.state / "bin" / "helm"), "--namespace", self.operator.namespace, *words]
        environment = {**os.environ, "KUBECONFIG": str(instance.kubeconfig)}
        done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def address(self, namespace: str, name: str) -> str:
        """Return the URL of an execution's files, at the first node's port of both gateways."""
        link = link_of(self.nodes.instance)
        assert link is not None
        return f"http://{link.node}:{GATEWAY_NODE_PORT}/api/v1/namespaces/{namespace}/executions/{name}/files"


@pytest.fixture(scope="module")
def large(nodes: EmbeddedCluster) -> Iterator[Large]:
    """The large shape; the small one again afterwards."""
    cluster = Cluster(str(nodes.instance.kubeconfig))
    Machines(nodes, cluster).wait_until_all_are_ready()
    operator = Operator.find(cluster)
    assert operator is not None
    operator.wait_until_ready(seconds=120)
    made, store = Large(nodes, operator), Sandbox(cluster)

    def placed(*words: str) -> str:
        """The store's server has its node by now: the operator's new pods go to the others."""
        nodes.kubectl("cordon", THIRD)
        nodes.kubectl("uncordon", FIRST, SECOND)
        return made.helm(*words)

    nodes.kubectl("cordon", FIRST, SECOND)
    try:
        with large_shape(store, operator, placed):
            yield made
            nodes.kubectl("uncordon", *NAMES)
    finally:
        nodes.kubectl("uncordon", *NAMES)
        store.close()


def on(node: str, script: str) -> JsonObject:
    wanted: JsonObject = {"kubernetes.io/hostname": node}
    return {"runtime": shell(script), "nodeSelector": wanted}


def is_done(final: JsonObject) -> bool:
    assert phase_and_reason(final) == ("Succeeded", "Succeeded"), final["status"]
    return member(final, "status", "result", "output") == '{"done": true}'


def test_another_controller_leads_within_15_seconds_when_the_leader_s_node_is_cut_off(
    large: Large, machines: Machines, sandbox: Sandbox, record_property: Callable[[str, object], None]
) -> None:
    _lead_on_the_second(large)
    leader = large.leader()
    sandbox.create(on(FIRST, WRITES.format(seconds=12)), name="running")
    sandbox.wait_for_running("running")
    with machines.cut_off(SECOND):
        begun = time.monotonic()
        poll_until(lambda: large.leader() != leader, seconds=HAND_OVER, what="another controller leads")
        record_property(FIGURE, f"another controller led after {time.monotonic() - begun:.1f} s")
        # Its gateway is cut off with it, and Services still name it until Kubernetes takes the node for lost.
        assert is_done(sandbox.wait_for_end("running", seconds=120))
        sandbox.create(on(FIRST, WRITES.format(seconds=0)), name="new")
        assert is_done(sandbox.wait_for_end("new", seconds=120))
    machines.wait_until_all_are_ready()
    large.wait_until_ready()
    assert large.leader() != leader, "the one that was cut off leads nothing when it is back"


def _lead_on_the_second(large: Large) -> None:
    """Let the controller on the second node lead: the first has the control plane, and cannot be cut off."""
    chosen = name_of(large.on_the_second("controller"))
    (other,) = [pod for pod in large.pods("controller") if name_of(pod) != chosen]
    if large.leader() != chosen:
        large.replace(other)
    poll_until(lambda: large.leader() == chosen, seconds=60, what="the second node's controller leads")


def test_the_other_gateway_answers_when_one_s_node_is_cut_off(
    large: Large, machines: Machines, sandbox: Sandbox, record_property: Callable[[str, object], None]
) -> None:
    sandbox.create(on(FIRST, WRITES.format(seconds=0)), name="done")
    assert is_done(sandbox.wait_for_end("done"))
    url, token = large.address(sandbox.name, "done"), sandbox.token()

    def always_answers() -> bool:
        """Every request has a connection of its own."""
        try:
            answers = [_get(url, token) for _ in range(20)]
        except httpx.TransportError:
            return False
        return {answer.status_code for answer in answers} == {200}

    large.on_the_second("gateway")
    poll_until(always_answers, seconds=60, what="both gateways answer")
    with machines.cut_off(SECOND):
        begun = time.monotonic()
        poll_until(always_answers, seconds=90, what="requests go to the gateway that is left")
        record_property(FIGURE, f"only the gateway that is left after {time.monotonic() - begun:.1f} s")
    machines.wait_until_all_are_ready()
    large.wait_until_ready()


@pytest.mark.usefixtures("machines")
def test_an_upgrade_under_load_breaks_no_execution_and_no_request(
    large: Large, sandbox: Sandbox, record_property: Callable[[str, object], None]
) -> None:
    sandbox.create(on(FIRST, WRITES.format(seconds=0)), name="first")
    assert is_done(sandbox.wait_for_end("first"))
    url, token = large.address(sandbox.name, "first"), sandbox.token()
    over = threading.Event()
    answers, created = Counter[int | str](), ["first"]

    def poll() -> None:
        while not over.is_set():
            try:
                answers[_get(url, token, seconds=30).status_code] += 1
            except httpx.TransportError as error:
                answers[repr(error)] += 1
            over.wait(0.1)

    def submit() -> None:
        while not over.is_set():
            created.append(f"run-{len(created)}")
            sandbox.create({"runtime": shell(WRITES.format(seconds=3))}, name=created[-1])
            over.wait(4)

    before = {uid_of(pod) for pod in large.operator.pods()}
    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work) for work in (poll, poll, submit)]
        try:
            stamp = f"podAnnotations.upgraded={time.time():.0f}"
            large.helm(
                "upgrade", RELEASE, CHART, "--reset-then-reuse-values", "--set-string", stamp, "--wait"
            )
            large.operator.wait_until_ready(seconds=120, not_uids=frozenset(before))
        finally:
            over.set()
        for one in working:
            one.result()
    for name in created:
        assert is_done(sandbox.wait_for_end(name, seconds=120)), name
    record_property(FIGURE, f"upgraded under {len(created)} executions and {answers.total()} requests")
    assert len(created) > 3
    assert set(answers) == {200}, answers


def test_executions_end_rightly_when_the_node_of_the_store_s_server_was_cut_off(
    large: Large, machines: Machines, sandbox: Sandbox
) -> None:
    sandbox.create(on(FIRST, WRITES.format(seconds=8)), name="ends")
    sandbox.create(on(FIRST, ENDLESS), name="cancelled")
    for name in ("ends", "cancelled"):
        sandbox.wait_for_running(name)

    def all_have_ended(found: Mapping[str, JsonObject]) -> bool:
        ended = [name for name, pod in found.items() if main_state(pod) == "terminated"]
        return {name.partition("-")[0] for name in ended} >= {"ends", "starts"}

    with machines.cut_off(THIRD):
        sandbox.cancel("cancelled")
        sandbox.create(on(FIRST, WRITES.format(seconds=0)), name="starts")
        # Longer, and Kubernetes deletes the server, which keeps its objects on no volume.
        what = "all programs have ended"
        sandbox.cluster.wait_for_all(PODS, sandbox.name, all_have_ended, seconds=30, what=what)
        # The kubelet says that a container of a pod that it stops has ended when all have: only its log is sooner.
        sandbox.wait_for_log("told", "cancelled", seconds=10)
        phases = {member(sandbox.get(name), "status", "phase") for name in ("ends", "starts", "cancelled")}
        assert not phases & TERMINAL
    machines.wait_until_all_are_ready()
    for name in ("ends", "starts"):
        assert is_done(sandbox.wait_for_end(name, seconds=180)), name
    cancelled = sandbox.wait_for_end("cancelled", seconds=180)
    assert phase_and_reason(cancelled) == ("Cancelled", "Cancelled"), cancelled["status"]
    large.wait_until_ready()


def _get(url: str, token: str, *, seconds: float = 3) -> httpx.Response:
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=seconds)
