"""etcd restored from an older snapshot, as docs/operations.md says how: what had ended since is not run again."""

import contextlib
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
import urllib3

from benchmarks.chaos.machines import Machines as Processes
from benchmarks.chaos.machines import send
from cluster.node.namespaces import link_of
from cluster.settings import GATEWAY_NODE_PORT
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND
from tests.nodes.machines import Machines
from tests.support.cluster import DEPLOYMENTS, ApiError, member, name_of, uid_of
from tests.support.embedded import NEEDS, EmbeddedCluster
from tests.support.operator import Operator
from tests.support.polling import poll_until
from tests.support.sandbox import Sandbox, phase_and_reason, shell

pytestmark = [*NEEDS, pytest.mark.timeout(900)]

COMPONENT: Final = "app.kubernetes.io/component"
SCRIPT: Final = (
    "sleep {seconds}; id=$(cat /proc/sys/kernel/random/uuid); echo run $id; "
    'printf \'{{"run": "%s"}}\' $id > /var/runtime/output/output.json'
)
QUICK: Final[JsonObject] = {"runtime": shell(SCRIPT.format(seconds=0))}
QUEUED: Final[JsonObject] = {"serviceRef": {"name": "one-at-a-time"}}
INFORMERS: Final = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
"""What remembers where etcd was: it is started again after a restore, as Kubernetes' own documentation asks."""


def snapshot(nodes: EmbeddedCluster, place: Path) -> None:
    """Copy etcd's directory between two of its writes, as the snapshot of a volume does."""
    found = etcd_processes(nodes)
    send(found, signal.SIGSTOP)
    try:
        shutil.copytree(nodes.instance.state / "etcd", place)
    finally:
        send(found, signal.SIGCONT)


def restore(nodes: EmbeddedCluster, place: Path) -> None:
    """Let etcd begin again with the copy, and all that watches it begin again, too."""
    directory = nodes.instance.state / "etcd"
    found = etcd_processes(nodes)
    send(found, signal.SIGSTOP)
    directory.rename(place.with_name("newer"))
    shutil.copytree(place, directory)
    send(found, signal.SIGKILL)
    processes = Processes(nodes.instance)
    for name in INFORMERS:
        for group in processes.groups(name):
            send(group.pids, signal.SIGKILL)


def etcd_processes(nodes: EmbeddedCluster) -> tuple[int, ...]:
    (group,) = Processes(nodes.instance).groups("etcd")
    return group.pids


@contextlib.contextmanager
def controller_away(operator: Operator) -> Iterator[None]:
    """Scale the controller to none, as the docs ask; etcd's copy has it as it was."""
    found = operator.cluster.select(DEPLOYMENTS, operator.namespace, labels=f"{COMPONENT}=controller")
    (name,) = [name_of(one) for one in found]
    pods = {
        uid_of(pod) for pod in operator.pods() if member(pod, "metadata", "labels", COMPONENT) == "controller"
    }
    operator.cluster.patch(DEPLOYMENTS, operator.namespace, name, {"spec": {"replicas": 0}})
    operator.cluster.wait_for_all(
        PODS,
        operator.namespace,
        lambda all_pods: pods.isdisjoint(uid_of(pod) for pod in all_pods.values()),
        seconds=60,
        what="no controller",
    )
    yield
    operator.cluster.patch(DEPLOYMENTS, operator.namespace, name, {"spec": {"replicas": 1}})


def answers(sandbox: Sandbox) -> bool:
    with contextlib.suppress(urllib3.exceptions.HTTPError, ApiError):
        return sandbox.cluster.get(SERVICE_EXECUTIONS, sandbox.name, "before") is not None
    return False


def the_run(execution: JsonObject) -> str:
    return str(member(execution, "status", "result", "output"))


def as_the_gateway_says(nodes: EmbeddedCluster, sandbox: Sandbox, name: str) -> str:
    """Return what the gateway gives as the main result."""
    link = link_of(nodes.instance)
    assert link is not None
    url = f"http://{link.node}:{GATEWAY_NODE_PORT}/api/v1/namespaces/{sandbox.name}/executions/{name}/files/output.json"
    answer = httpx.get(url, headers={"Authorization": f"Bearer {sandbox.token()}"}, timeout=10)
    return answer.text if answer.status_code == 200 else f"{answer.status_code}: {answer.text}"


@pytest.mark.parametrize("away", [True, False], ids=["without-a-controller", "beside-the-controller"])
def test_what_ended_after_the_snapshot_is_not_run_again(
    nodes: EmbeddedCluster, machines: Machines, sandbox: Sandbox, tmp_path: Path, away: bool
) -> None:
    """The docs ask for the controller's end before a restore; one that runs through it ends by itself."""
    operator = Operator.find(machines.cluster)
    assert operator is not None
    runtime = shell(SCRIPT.format(seconds=12))
    sandbox.cluster.create(
        SERVICE_DEFINITIONS,
        sandbox.name,
        {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": DEFINITION_KIND,
            "metadata": {"name": "one-at-a-time"},
            "spec": {"runtime": runtime, "concurrency": 1},
        },
    )
    before = sandbox.succeed(QUICK, name="before")
    sandbox.create(QUEUED, name="runs")
    sandbox.wait_for_running("runs")
    sandbox.create(QUEUED, name="waits")
    sandbox.wait_for_reason("Queued", "waits")
    snapshot(nodes, tmp_path / "older")
    since = {name: sandbox.wait_for_end(name) for name in ("runs", "waits")}
    assert {phase_and_reason(one) for one in since.values()} == {("Succeeded", "Succeeded")}
    forgotten = sandbox.succeed(QUICK, name="after")

    with controller_away(operator) if away else contextlib.nullcontext():
        restore(nodes, tmp_path / "older")
        poll_until(lambda: answers(sandbox), seconds=120, what="the API server answers")
        machines.wait_until_all_are_ready(seconds=180)
    assert sandbox.cluster.get(SERVICE_EXECUTIONS, sandbox.name, "after") is None
    waits = sandbox.wait_for_end("waits", seconds=300)
    assert phase_and_reason(waits) == ("Failed", "RanBefore"), waits["status"]
    assert the_run(waits) == the_run(since["waits"]), "its own run's"
    assert not any(sandbox.children(waits)[kind.plural] for kind in (JOBS, PODS))
    assert the_run(sandbox.get("before")) == the_run(before)
    sandbox.wait_for_end("runs", seconds=300)
    again = sandbox.succeed(QUICK, name="after")
    assert the_run(again) != the_run(forgotten)
    for name, execution in (("after", again), ("waits", waits), ("before", before)):
        assert as_the_gateway_says(nodes, sandbox, name) == the_run(execution), name
