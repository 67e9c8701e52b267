"""Timeout, cancel and delete: what is kept, and how long it takes."""

import time
from typing import cast

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import CONFIG_MAPS, JOBS, PODS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import LABEL_EXECUTION_UID
from tests.support.cluster import Cluster, member, uid_of
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox, phase_and_reason, program, shell

STEPS = """
import time
open('/var/runtime/output/partial.txt', 'w').write('so far')
print('halfway there', flush=True)
time.sleep(600)
"""
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + STEPS
MARGIN = 25
"""Seconds on top of the grace period for kubelet, collection and a busy machine."""


def test_timeout_keeps_log_and_partial_output(sandbox: Sandbox, gateway: Gateway) -> None:
    final = sandbox.run({"runtime": program(STEPS), "timeout": "3s", "cancelGrace": "5s"})
    assert phase_and_reason(final) == ("Failed", "Timeout")
    assert member(final, "status", "message") == ("The program ran longer than spec.timeout and was stopped.")
    assert member(final, "status", "stopRequested", "reason") == "Timeout"
    assert_kept(sandbox, gateway, final)


@pytest.mark.parametrize("source", [STEPS, STUBBORN], ids=["ends-by-SIGTERM", "ignores-SIGTERM"])
def test_cancel_while_running_keeps_log_and_partial_output(
    sandbox: Sandbox, gateway: Gateway, source: str
) -> None:
    grace = 4
    sandbox.create({"runtime": program(source), "cancelGrace": f"{grace}s"})
    sandbox.wait_for_log("halfway there")
    asked = time.monotonic()
    sandbox.cancel()
    final = sandbox.wait_for_end(seconds=grace + MARGIN)
    took = time.monotonic() - asked
    assert phase_and_reason(final) == ("Cancelled", "Cancelled")
    assert member(final, "status", "message") == "The execution was cancelled."
    assert member(final, "status", "stopRequested", "reason") == "Cancelled"
    if source is STUBBORN:
        assert took >= grace - 1, "it had its grace period"
        assert member(final, "status", "exitCode") == 137
    assert_kept(sandbox, gateway, final)


def test_cancel_lets_a_program_that_handles_it_finish(sandbox: Sandbox, gateway: Gateway) -> None:
    source = """
import signal, sys, time
def stop(*_):
    open('/var/runtime/output/output.json', 'w').write('{"stopped": "in order"}')
    print('stopping in order', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print('halfway there', flush=True)
time.sleep(600)
"""
    sandbox.create({"runtime": program(source), "cancelGrace": "20s"})
    sandbox.wait_for_log("halfway there")
    sandbox.cancel()
    final = sandbox.wait_for_end(seconds=20 + MARGIN)
    assert phase_and_reason(final) == ("Cancelled", "Cancelled")
    assert member(final, "status", "result", "output") == '{"stopped": "in order"}'
    assert "stopping in order\n" in gateway.log(sandbox.name, "run", sandbox.token())


def test_cancel_without_a_shared_process_namespace(sandbox: Sandbox, gateway: Gateway) -> None:
    # The first process of a container ignores SIGTERM, and nobody else may kill it before the pod's own grace period
    # ends. The collector waits 30 s beyond the cancel grace, so that the pod's may be a little shorter than it is.
    template: JsonObject = {"spec": {"terminationGracePeriodSeconds": 40}}
    unshared: JsonObject = {"shareProcessNamespace": False, "podTemplate": template}
    sandbox.create({"runtime": program(STEPS), "cancelGrace": "3s", **unshared})
    sandbox.wait_for_log("halfway there")
    sandbox.cancel()
    final = sandbox.wait_for_end(seconds=40 + MARGIN)
    assert phase_and_reason(final) == ("Cancelled", "Cancelled")
    assert_kept(sandbox, gateway, final)


def test_success_without_a_shared_process_namespace(sandbox: Sandbox) -> None:
    source = "open('/var/runtime/output/output.json', 'w').write('{}')"
    final = sandbox.succeed({"runtime": program(source), "shareProcessNamespace": False})
    assert member(final, "status", "result", "output") == "{}"


def test_an_execution_that_no_node_takes_is_cancelled(sandbox: Sandbox) -> None:
    sandbox.create({"runtime": program(STEPS), "nodeSelector": {"there-is-no": "such-node"}})
    sandbox.wait_for_reason("Unschedulable")
    sandbox.cancel()
    final = sandbox.wait_for_end(seconds=MARGIN)
    assert phase_and_reason(final) == ("Cancelled", "Cancelled")
    assert "startTime" not in cast("JsonObject", final["status"])
    sandbox.wait_for_no_children(final)


def test_an_execution_that_waits_in_its_queue_is_cancelled(sandbox: Sandbox) -> None:
    sandbox.create({"runtime": program(STEPS), "queueName": "nobody-admits"})
    found = sandbox.wait_for_reason("Queued")
    assert member(found, "status", "message") == (
        'The execution waits in its queue. Its queue is "nobody-admits".'
    )
    sandbox.cancel()
    final = sandbox.wait_for_end(seconds=MARGIN)
    assert phase_and_reason(final) == ("Cancelled", "Cancelled")
    sandbox.wait_for_no_children(final)


def test_created_cancelled_never_runs(sandbox: Sandbox) -> None:
    final = sandbox.run({"runtime": program(STEPS), "cancel": True})
    assert phase_and_reason(final) == ("Cancelled", "Cancelled")
    assert "job" not in cast("JsonObject", final["status"])


def test_cancel_after_the_end_changes_nothing(sandbox: Sandbox, cluster: Cluster) -> None:
    final = sandbox.succeed({"runtime": program("print('done')")})
    sandbox.cancel()
    after = cluster.wait_for(
        SERVICE_EXECUTIONS,
        sandbox.name,
        "run",
        lambda found: member(found, "status", "observedGeneration") == 2,
        seconds=MARGIN,
        what="the new generation is observed",
    )
    assert phase_and_reason(after) == ("Succeeded", "Succeeded")
    assert member(after, "status", "completionTime") == member(final, "status", "completionTime")


def test_delete_while_running_leaves_nothing(sandbox: Sandbox, cluster: Cluster) -> None:
    execution = sandbox.create(
        {"runtime": shell("exec sleep 600"), "input": {"data": 1}, "cancelGrace": "1s"}
    )
    sandbox.wait_for_running()
    assert all(sandbox.children(execution).values()), "there is a Job, a pod and a ConfigMap to be deleted"
    sandbox.delete()
    for kind in (JOBS, PODS, CONFIG_MAPS):
        labels = f"{LABEL_EXECUTION_UID}={uid_of(execution)}"
        cluster.wait_until_gone(kind, sandbox.name, labels=labels, seconds=60 + MARGIN)


def test_job_deleted_by_somebody_is_never_run_again(sandbox: Sandbox, cluster: Cluster) -> None:
    sandbox.create({"runtime": program(STEPS), "cancelGrace": "1s"})
    sandbox.wait_for_log("halfway there")
    running = sandbox.wait_for_running()
    cluster.delete(JOBS, sandbox.name, str(member(running, "status", "job", "name")))
    final = sandbox.wait_for_end(seconds=60 + MARGIN)
    assert phase_and_reason(final) == ("Failed", "JobDeleted")
    assert member(final, "status", "attempts") == 1
    assert cluster.select(JOBS, sandbox.name) == []


def test_execution_goes_after_its_time_to_live(sandbox: Sandbox, cluster: Cluster) -> None:
    sandbox.create({"runtime": program("print('short')"), "ttlSecondsAfterFinished": 5})
    final = sandbox.wait_for_end()
    assert phase_and_reason(final) == ("Succeeded", "Succeeded")
    cluster.wait_until_gone(SERVICE_EXECUTIONS, sandbox.name, fields="metadata.name=run", seconds=5 + MARGIN)


def assert_kept(sandbox: Sandbox, gateway: Gateway, final: JsonObject) -> None:
    token = sandbox.token()
    assert gateway.log(sandbox.name, "run", token) == "halfway there\n"
    assert gateway.file(sandbox.name, "run", "partial.txt", token).content == b"so far"
    assert member(final, "status", "result", "fileCount") == 1
    sandbox.wait_for_no_children(final)
