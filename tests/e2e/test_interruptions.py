"""Killed at any moment, restarted: the same end, and no program runs twice."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import JOBS, PODS
from tests.support.cluster import Cluster, member, name_of
from tests.support.gateway import Gateway
from tests.support.operator import Operator
from tests.support.sandbox import Sandbox, phase_and_reason, program

AFTER_RESTART = 120
"""Seconds for a new operator pod and everything that it has to catch up with."""

COUNTING = """
import os, time
with open('/var/runtime/datapool/journal/starts', 'a') as journal:
    journal.write('started\\n')
print('started', flush=True)
while not os.path.exists('/var/runtime/datapool/journal/go'):
    time.sleep(0.1)
open('/var/runtime/output/output.json', 'w').write('{"sum": 6}')
print('ended')
"""
"""Writes down that it started, and ends when another execution says so."""


class Counted:
    """An execution whose program writes down each of its starts on a claim."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        sandbox.claim("journal")
        self._pools: JsonObject = {
            "journal": {"persistentVolumeClaim": {"claimName": "journal"}, "readOnly": False}
        }

    def create(self, **fields: Any) -> None:
        spec: JsonObject = {"runtime": program(COUNTING), "input": {"data": 1}, "dataPools": self._pools}
        self.sandbox.create({**spec, **fields})

    def let_go(self) -> None:
        source = "open('/var/runtime/datapool/journal/go', 'w').close()"
        self.sandbox.succeed(
            {"runtime": program(source), "dataPools": self._pools}, name="go", seconds=AFTER_RESTART
        )

    def starts(self) -> int:
        source = """
import json
starts = len(open('/var/runtime/datapool/journal/starts').readlines())
json.dump(starts, open('/var/runtime/output/output.json', 'w'))
"""
        final = self.sandbox.succeed(
            {"runtime": program(source), "dataPools": self._pools}, name="count", seconds=AFTER_RESTART
        )
        return int(str(member(final, "status", "result", "output")))


@pytest.fixture
def counted(sandbox: Sandbox) -> Counted:
    return Counted(sandbox)


@pytest.mark.alone
def test_controller_killed_before_the_job_is_made(counted: Counted, operator: Operator) -> None:
    killed = operator.kill("controller")
    counted.create()
    operator.wait_until_ready(not_uids=killed)
    counted.sandbox.wait_for_running(seconds=AFTER_RESTART)
    ends_well(counted)


@pytest.mark.alone
def test_controller_killed_while_pending(counted: Counted, cluster: Cluster, operator: Operator) -> None:
    counted.create(queueName="team-a")
    job = counted.sandbox.wait_for_job()
    counted.sandbox.wait_for_reason("Queued")
    killed = operator.kill("controller")
    cluster.patch(JOBS, counted.sandbox.name, name_of(job), {"spec": {"suspend": False}})
    operator.wait_until_ready(not_uids=killed)
    counted.sandbox.wait_for_running(seconds=AFTER_RESTART)
    ends_well(counted)


@pytest.mark.alone
def test_controller_killed_while_running(counted: Counted, operator: Operator) -> None:
    counted.create()
    counted.sandbox.wait_for_log("started")
    killed = operator.kill("controller")
    operator.wait_until_ready(not_uids=killed)
    ends_well(counted)


@pytest.mark.alone
def test_program_ends_while_the_controller_is_away(
    counted: Counted, cluster: Cluster, operator: Operator
) -> None:
    counted.create(timeout="10m")
    counted.sandbox.wait_for_log("started")
    pod = counted.sandbox.wait_for_pod()
    with operator.scaled_down():
        # Without a controller nothing but a bare pod can tell the program to go on.
        counted.sandbox.bare_pod("touch /claim/go", claim="journal")
        cluster.wait_for(
            PODS,
            counted.sandbox.name,
            name_of(pod),
            lambda found: "terminated" in json.dumps(member(found, "status", "containerStatuses")),
            seconds=AFTER_RESTART,
            what="the program's end",
        )
    final = counted.sandbox.wait_for_end(seconds=AFTER_RESTART)
    assert phase_and_reason(final) == ("Succeeded", "Succeeded")
    assert member(final, "status", "result", "output") == '{"sum": 6}'
    assert counted.starts() == 1


@pytest.mark.alone
def test_controller_and_gateway_killed_while_collecting(
    sandbox: Sandbox, gateway: Gateway, operator: Operator
) -> None:
    source = """
import os
print('writing', flush=True)
for number in range(30):
    open(f'/var/runtime/output/{number}.bin', 'wb').write(os.urandom(10_000_000))
open('/var/runtime/output/output.json', 'w').write('{"sum": 6}')
print('written', flush=True)
"""
    sandbox.create({"runtime": program(source)})
    sandbox.wait_for_log("written", seconds=120)
    killed = operator.kill("gateway") | operator.kill("controller")
    operator.wait_until_ready(not_uids=killed)
    final = sandbox.wait_for_end(seconds=AFTER_RESTART)
    assert phase_and_reason(final) == ("Succeeded", "Succeeded")
    assert member(final, "status", "result", "fileCount") == 31
    assert gateway.log(sandbox.name, "run", sandbox.token()) == "writing\nwritten\n"


@pytest.mark.alone
def test_cancel_while_the_controller_is_away(
    counted: Counted, cluster: Cluster, operator: Operator, gateway: Gateway
) -> None:
    counted.create(cancelGrace="2s")
    counted.sandbox.wait_for_log("started")
    with operator.scaled_down():
        counted.sandbox.cancel()
    final = counted.sandbox.wait_for_end(seconds=AFTER_RESTART)
    assert phase_and_reason(final) == ("Cancelled", "Cancelled")
    assert gateway.log(counted.sandbox.name, "run", counted.sandbox.token()) == "started\n"
    assert counted.starts() == 1


@pytest.mark.alone
def test_deleted_while_the_controller_is_away(counted: Counted, cluster: Cluster, operator: Operator) -> None:
    counted.create(cancelGrace="1s")
    counted.sandbox.wait_for_log("started")
    with operator.scaled_down():
        counted.sandbox.delete()
    cluster.wait_until_gone(JOBS, counted.sandbox.name, seconds=AFTER_RESTART)
    cluster.wait_until_gone(PODS, counted.sandbox.name, seconds=AFTER_RESTART)


@pytest.mark.alone
def test_killed_again_and_again_while_many_run(
    new_sandbox: Callable[..., Sandbox], operator: Operator
) -> None:
    sandbox = new_sandbox()
    sandbox.claim("journal")
    pools: JsonObject = {"journal": {"persistentVolumeClaim": {"claimName": "journal"}, "readOnly": False}}
    source = """
import json, os, pathlib, time
me = json.loads(pathlib.Path('/var/runtime/input/me.json').read_text())
with open('/var/runtime/datapool/journal/starts', 'a') as journal:
    journal.write(f'{me}\\n')
time.sleep(3)
open('/var/runtime/output/output.json', 'w').write(json.dumps(me))
print('I was', me)
"""
    names = [f"run-{number}" for number in range(12)]
    for round_ in range(3):
        for name in names[round_ * 4 : round_ * 4 + 4]:
            sandbox.create({"runtime": program(source), "input": {"me": name}, "dataPools": pools}, name=name)
        killed = operator.kill("controller" if round_ != 1 else "gateway")
        operator.wait_until_ready(not_uids=killed)
    for name in names:
        final = sandbox.wait_for_end(name, seconds=AFTER_RESTART)
        assert phase_and_reason(final) == ("Succeeded", "Succeeded"), member(final, "status", "message")
        assert member(final, "status", "result", "output") == json.dumps(name)
        assert member(final, "status", "log", "lines") == 1
    count = "import shutil; shutil.copy('/var/runtime/datapool/journal/starts', '/var/runtime/output/output.json')"
    final = sandbox.succeed({"runtime": program(count), "dataPools": pools}, name="count")
    assert sorted(str(member(final, "status", "result", "output")).split()) == sorted(names)


def test_collector_killed_while_collecting(sandbox: Sandbox, cluster: Cluster, operator: Operator) -> None:
    source = """
import os
for number in range(20):
    open(f'/var/runtime/output/{number}.bin', 'wb').write(os.urandom(10_000_000))
print('written', flush=True)
"""
    sandbox.create({"runtime": program(source)})
    pod = sandbox.wait_for_log("written")
    operator.kill_container(pod, "collector")
    final = sandbox.wait_for_end(seconds=180)
    assert phase_and_reason(final) == ("Succeeded", "Succeeded"), member(final, "status", "message")
    assert member(final, "status", "result", "fileCount") == 20


def ends_well(counted: Counted) -> None:
    counted.let_go()
    final = counted.sandbox.wait_for_end(seconds=AFTER_RESTART)
    assert phase_and_reason(final) == ("Succeeded", "Succeeded"), member(final, "status", "message")
    assert member(final, "status", "result", "output") == '{"sum": 6}'
    assert member(final, "status", "attempts") == 1
    assert member(final, "status", "log", "lines") == 2
    assert counted.starts() == 1
