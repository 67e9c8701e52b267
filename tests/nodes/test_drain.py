"""Executions on a node that is drained."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.nodes.machines import Machines, node_of
from tests.support.cluster import member
from tests.support.embedded import NEEDS, EmbeddedCluster
from tests.support.sandbox import Sandbox, phase_and_reason, shell

pytestmark = [*NEEDS, pytest.mark.usefixtures("operator_apart"), pytest.mark.timeout(600)]

NODE: Final = "node2"
HANDLES: Final = (
    'trap \'echo told; printf "{\\"partial\\": true}" > /var/runtime/output/output.json; exit 7\' TERM;'
    " echo begun; while :; do sleep 0.2; done"
)


@pytest.fixture
def running(nodes: EmbeddedCluster, machines: Machines, sandbox: Sandbox) -> Iterator[Sandbox]:
    """An execution on the node, which takes pods again afterwards."""
    wanted = {"kubernetes.io/hostname": NODE}
    sandbox.create({"runtime": shell(HANDLES), "nodeSelector": dict(wanted), "cancelGrace": "20s"})
    pod = sandbox.wait_for_log("begun")
    assert node_of(pod) == NODE
    yield sandbox
    nodes.kubectl("uncordon", NODE)


def drain(nodes: EmbeddedCluster, *options: str) -> None:
    words = ("--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=120s")
    nodes.kubectl("drain", NODE, *words, *options)


def test_a_drain_lets_a_program_end_and_keeps_what_it_wrote(nodes: EmbeddedCluster, running: Sandbox) -> None:
    drain(nodes)
    final = running.wait_for_end()
    assert phase_and_reason(final) == ("Failed", "PodLost"), final["status"]
    assert "Eviction API" in str(member(final, "status", "message"))
    assert member(final, "status", "exitCode") == 7
    assert member(final, "status", "result", "output") == '{"partial": true}'
    assert member(final, "status", "log", "lines") == 2
    running.wait_for_no_children(final)


def test_a_drain_without_grace_ends_an_execution_within_seconds(
    nodes: EmbeddedCluster, running: Sandbox
) -> None:
    """What of its output and log is kept is a matter of chance: Kubernetes forgets the pod at once."""
    drain(nodes, "--grace-period=0")
    final = running.wait_for_end()
    assert member(final, "status", "phase") == "Failed", final["status"]
    running.wait_for_no_children(final)
