"""Executions on a node of which nothing is heard for a while: what is said meanwhile, and how they end."""

import time
from collections.abc import Mapping
from typing import Final

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.executions.render.pod import COLLECT_GRACE
from serviceexecution.executions.steps.running import UNCONFIRMED_END
from serviceexecution.kube.kinds import PODS, SERVICE_EXECUTIONS
from tests.nodes.conftest import SILENCE
from tests.nodes.machines import Machines, node_of
from tests.support.cluster import member
from tests.support.embedded import NEEDS, EmbeddedCluster
from tests.support.sandbox import Sandbox, phase_and_reason, shell

pytestmark = [*NEEDS, pytest.mark.usefixtures("operator_apart"), pytest.mark.timeout(900)]

NODE: Final = "node2"
LOST: Final = SILENCE + 60
"""Seconds within which Kubernetes says on a busy machine that a node is lost, or deletes the pods of one that is."""

BOUND: Final = 5 + COLLECT_GRACE + UNCONFIRMED_END
"""Seconds after which an execution ends whose pod was told to end: its grace, which is 5 seconds here, and 5 minutes.
Kubernetes tells it once more when it takes the node for lost.
"""

ENDLESS: Final = "trap 'exit 7' TERM; echo begun; while :; do sleep 0.2; done"
WRITES: Final = (
    "echo begun; sleep {seconds}; printf '{{\"done\": true}}' > /var/runtime/output/output.json; echo last"
)


def on(node: str, script: str, **spec: object) -> JsonObject:
    wanted: JsonObject = {"kubernetes.io/hostname": node}
    return {"runtime": shell(script), "nodeSelector": wanted, "cancelGrace": "5s", **spec}  # type: ignore[dict-item]


def start(sandbox: Sandbox, scripts: Mapping[str, str]) -> None:
    for name, script in scripts.items():
        sandbox.create(on(NODE, script), name=name)
    for name in scripts:
        sandbox.wait_for_running(name)
        assert node_of(sandbox.wait_for_pod(name)) == NODE


def test_a_node_that_is_silent_for_a_while_loses_nothing(machines: Machines, sandbox: Sandbox) -> None:
    """Kubernetes takes it for lost, but it returns before its pods are deleted."""
    start(
        sandbox,
        {"goes-on": WRITES.format(seconds=45), "ends": WRITES.format(seconds=8), "cancelled": ENDLESS},
    )
    with machines.frozen(NODE):
        sandbox.create(on(NODE, WRITES.format(seconds=0)), name="starts")
        sandbox.wait_for_pod("starts", running=False)
        sandbox.cancel("cancelled")
        machines.wait_until_lost(NODE, seconds=LOST)
        for name in ("goes-on", "cancelled"):
            wait_until_said(sandbox, name, f'Its node "{NODE}" has not been ready since')
        assert phase_and_reason(sandbox.get("goes-on")) == ("Running", "Running")
        assert phase_and_reason(sandbox.get("cancelled")) == ("Running", "Stopping")
        assert phase_and_reason(sandbox.get("starts")) == ("Pending", "Starting")
    assert phase_and_reason(sandbox.wait_for_end("cancelled")) == ("Cancelled", "Cancelled")
    for name in ("ends", "starts", "goes-on"):
        final = sandbox.wait_for_end(name)
        assert phase_and_reason(final) == ("Succeeded", "Succeeded"), (name, final["status"])
        assert member(final, "status", "result", "output") == '{"done": true}'
        sandbox.wait_for_no_children(final)


def wait_until_said(sandbox: Sandbox, name: str, sentence: str) -> None:
    sandbox.cluster.wait_for(
        SERVICE_EXECUTIONS,
        sandbox.name,
        name,
        lambda found: sentence in str(member(found, "status", "message")),
        seconds=30,
        what=f"status of {name} says: {sentence}",
    )


def test_a_node_that_does_not_return_holds_its_executions_for_a_bounded_time(
    machines: Machines, sandbox: Sandbox
) -> None:
    """Kubernetes waits for ever for a kubelet to confirm that a pod has ended."""
    start(sandbox, {"goes-on": ENDLESS, "cancelled": ENDLESS})
    with machines.cut_off(NODE):
        sandbox.cancel("cancelled")
        begun = time.monotonic()
        cancelled = sandbox.wait_for_end("cancelled", seconds=BOUND + 2 * LOST)
        assert time.monotonic() - begun >= UNCONFIRMED_END
        lost = sandbox.wait_for_end("goes-on", seconds=2 * LOST)
        for final, why in ((cancelled, "was told to end"), (lost, "was deleted")):
            assert phase_and_reason(final) == ("Failed", "PodLost"), final["status"]
            message = str(member(final, "status", "message"))
            assert why in message, message
            assert f'its node "{NODE}" has not confirmed it: the program may still run there' in message
    machines.wait_until_all_are_ready(seconds=180)
    for final in (cancelled, lost):
        sandbox.wait_for_no_children(final)


def test_a_node_that_returns_after_its_pods_were_deleted(machines: Machines, sandbox: Sandbox) -> None:
    """What ended in the silence counts as it ended; what still ran is ended, and said to be."""
    start(sandbox, {"goes-on": ENDLESS, "ends": WRITES.format(seconds=8), "cancelled": ENDLESS})
    with machines.frozen(NODE):
        sandbox.cancel("cancelled")
        sandbox.cluster.wait_for_all(
            PODS,
            sandbox.name,
            lambda found: all(member(pod, "metadata", "deletionTimestamp") for pod in found.values()),
            seconds=2 * LOST,
            what="the node's pods are deleted",
        )
    ends = {name: sandbox.wait_for_end(name) for name in ("goes-on", "ends", "cancelled")}
    assert phase_and_reason(ends["ends"]) == ("Succeeded", "Succeeded"), ends["ends"]["status"]
    assert phase_and_reason(ends["cancelled"]) == ("Cancelled", "Cancelled"), ends["cancelled"]["status"]
    assert phase_and_reason(ends["goes-on"]) == ("Failed", "PodLost"), ends["goes-on"]["status"]
    assert "NoExecute taint" in str(member(ends["goes-on"], "status", "message")), "why it was deleted"
    for final in ends.values():
        sandbox.wait_for_no_children(final)


def test_executions_of_a_node_that_is_out_of_service_end_at_once(
    nodes: EmbeddedCluster, machines: Machines, sandbox: Sandbox
) -> None:
    """Somebody has seen that the machine is off, and says so to Kubernetes."""
    start(sandbox, {"goes-on": ENDLESS, "cancelled": ENDLESS})
    taint = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
    with machines.cut_off(NODE):
        sandbox.cancel("cancelled")
        machines.wait_until_lost(NODE, seconds=LOST)
        nodes.kubectl("taint", "node", NODE, taint)
        try:
            lost = sandbox.wait_for_end("goes-on", seconds=2 * LOST)
            cancelled = sandbox.wait_for_end("cancelled", seconds=LOST)
        finally:
            nodes.kubectl("taint", "node", NODE, f"{taint}-")
    assert phase_and_reason(lost) == ("Failed", "PodLost"), lost["status"]
    assert phase_and_reason(cancelled) == ("Cancelled", "Cancelled"), cancelled["status"]
    for final in (lost, cancelled):
        sandbox.wait_for_no_children(final)
