"""An embedded cluster with three nodes, of these tests' own."""

from collections.abc import Iterator

import pytest

from cluster.node.namespaces import init_record
from tests.nodes.machines import Machines
from tests.support.cluster import Cluster
from tests.support.embedded import EmbeddedCluster
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
def sandbox(machines: Machines) -> Iterator[Sandbox]:
    made = Sandbox(machines.cluster)
    yield made
    made.close()
