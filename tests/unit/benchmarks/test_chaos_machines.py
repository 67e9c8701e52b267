"""``make chaos`` reaches what runs on every node of its cluster."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from benchmarks.chaos.machines import Machines, chosen, descendants, freeze
from benchmarks.chaos.plan import NODE, Fault, make_plan
from cluster.node.places import further_place
from cluster.node.processes import ProcessRecord
from cluster.settings import Instance
from tests.support.polling import poll_until

NAMES: Final = ["node1", "node2", "node3"]


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    """Three nodes, each a shell with a kubelet and with a collector of two processes."""
    instance = Instance("chaos", tmp_path / "chaos")
    directories = [instance.state, *(further_place(instance, number).directory for number in (2, 3))]
    script = 'exec -a kubelet sleep 600 & exec -a "$0" sleep 600 & exec -a "$0" sleep 600 & echo ready; wait; exit 0'
    shells = []
    for directory in directories:
        directory.mkdir(parents=True)
        shell = subprocess.Popen(
            ["bash", "-c", script, "/collector/main.py"], stdout=subprocess.PIPE, start_new_session=True
        )
        assert shell.stdout is not None
        shell.stdout.readline()
        shells.append(shell)
        record = ProcessRecord.of(shell.pid)
        assert record is not None
        record.write(directory / "init.json")
    yield Machines(instance)
    for shell in shells:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()


def test_the_processes_of_every_node_can_fail(machines: Machines) -> None:
    assert [machine.name for machine in machines.all()] == NAMES
    poll_until(lambda: len(machines.groups("kubelet")) == 3, seconds=10, what="every kubelet runs")
    assert [group.machine.name for group in machines.groups("kubelet")] == NAMES
    assert {len(group.pids) for group in machines.groups("kubelet")} == {1}


def test_the_processes_of_one_container_fail_together(machines: Machines) -> None:
    """Those of a node are one here, since this node has no namespaces."""

    def sizes() -> list[int]:
        return [len(group.pids) for group in machines.groups("collector")]

    poll_until(lambda: sum(sizes()) >= 6, seconds=10, what="every collector runs")
    assert len(sizes()) == 3


def test_a_node_that_has_ended_is_none(machines: Machines) -> None:
    ended = machines.named("node2")
    assert ended is not None
    os.killpg(ended.init, signal.SIGKILL)
    poll_until(lambda: machines.named("node2") is None, seconds=10, what="the node has ended")
    assert [machine.name for machine in machines.all()] == ["node1", "node3"]


def test_a_frozen_node_stops_as_a_whole_and_goes_on_as_a_whole(machines: Machines) -> None:
    machine = machines.named("node3")
    assert machine is not None

    def states() -> set[str]:
        stats = [Path(f"/proc/{pid}/stat").read_text() for pid in everything(machine.init)]
        return {stat.rpartition(")")[2].split()[0] for stat in stats}

    thaw = freeze(machine)
    poll_until(lambda: states() == {"T"}, seconds=10, what="all of it is stopped")
    thaw()
    poll_until(lambda: states() == {"S"}, seconds=10, what="all of it goes on")


def everything(init: int) -> set[int]:
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in listed.splitlines()[1:]]
    return descendants(init, {int(pid): int(parent) for pid, parent in pairs})


def test_descendants_are_those_of_one_process_only() -> None:
    parents = {1: 0, 10: 1, 11: 10, 12: 11, 20: 1, 21: 20}
    assert descendants(10, parents) == {10, 11, 12}
    assert descendants(99, parents) == set()


def test_which_one_fails_is_part_of_the_plan() -> None:
    faults = [step for step in make_plan(1, 3600, executions=1, faults=450) if isinstance(step, Fault)]
    nodes = [int(fault.pick * 3) for fault in faults if fault.target == "kubelet"]
    assert set(nodes) == {0, 1, 2}
    assert chosen([], 0.5) is None


def test_a_short_run_has_short_silences() -> None:
    def longest(seconds: float) -> float:
        plan = make_plan(1, seconds, executions=1, faults=450)
        return max(step.seconds for step in plan if isinstance(step, Fault) and step.target == NODE)

    assert longest(120) <= 15
    assert 60 < longest(3600) <= 90
