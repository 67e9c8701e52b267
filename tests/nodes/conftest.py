"""An embedded cluster with three nodes, of these tests' own."""

from collections.abc import Iterator

import pytest

from cluster.node.namespaces import init_record
from serviceexecution.kube.kinds import PODS
from tests.nodes.machines import NAMES, Machines, node_of
from tests.support.cluster import Cluster, name_of, uid_of
from tests.support.embedded import EmbeddedCluster
from tests.support.operator import Operator
from tests.support.sandbox import Sandbox

SILENCE = 16
"""Seconds after which a silent node counts as lost, and after which its pods are deleted."""


@pytest.fixture(scope="session")
def nodes() -> Iterator[EmbeddedCluster]:
    """Three nodes with the operator; one that ran before the tests goes on afterwards."""
    cluster = EmbeddedCluster("nodes", {"SX_NODES": "3", "SX_DEAD_NODE_SECONDS": str(SILENCE)})
    ran_before = init_record(cluster.instance) is not None
    cluster.run("up")
    yield cluster
    if not ran_before:
        cluster.run("down")


@pytest.fixture
def machines(nodes: EmbeddedCluster) -> Iterator[Machines]:
    """The nodes, all of them ready before and after."""
    found = Machines(nodes, Cluster(str(nodes.instance.kubeconfig)))
    found.wait_until_all_are_ready()
    yield found
    found.wait_until_all_are_ready()


@pytest.fixture
def operator_apart(nodes: EmbeddedCluster, machines: Machines) -> None:
    """The operator on the first node, which never falls silent: its small shape goes with the node of its volume."""
    operator = Operator.find(machines.cluster)
    assert operator is not None
    pods = operator.pods()
    if all(node_of(pod) == NAMES[0] for pod in pods):
        return
    nodes.kubectl("cordon", *NAMES[1:])
    try:
        before = frozenset(uid_of(pod) for pod in pods)
        for pod in pods:
            machines.cluster.delete(PODS, operator.namespace, name_of(pod))
        machines.cluster.wait_for_all(
            PODS,
            operator.namespace,
            lambda found: before.isdisjoint(uid_of(pod) for pod in found.values()),
            seconds=120,
            what="the operator's pods are gone",
        )
        # The scheduler does not look again at a pod that wants to be beside others when these go.
        for pod in operator.pods():
            if node_of(pod) not in NAMES:
                machines.cluster.delete(PODS, operator.namespace, name_of(pod))
        operator.wait_until_ready(seconds=180, not_uids=before)
    finally:
        nodes.kubectl("uncordon", *NAMES[1:])


@pytest.fixture
def sandbox(machines: Machines) -> Iterator[Sandbox]:
    made = Sandbox(machines.cluster)
    yield made
    made.close()
