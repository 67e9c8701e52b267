"""Runs that are tried again, on a node: every attempt keeps its log, only the last one has a result."""

import json

from serviceexecution.contract.json_types import JsonObject, objects_of
from serviceexecution.kube.kinds import JOBS
from tests.support.cluster import Cluster, member, name_of
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox, phase_and_reason, program

ATTEMPT: JsonObject = {
    "name": "ATTEMPT",
    "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['serviceexecution.dev/attempt']"}},
}
FAILS_ONCE = """
import json, os, sys
attempt = int(os.environ['ATTEMPT'])
print('attempt', attempt)
json.dump({'attempt': attempt}, open('/var/runtime/output/output.json', 'w'))
sys.exit(75 if attempt == 1 else 0)
"""
STEPS = "import time\nprint('step', flush=True)\ntime.sleep(600)"


def test_a_program_that_fails_once_succeeds_and_both_logs_are_kept(
    sandbox: Sandbox, gateway: Gateway
) -> None:
    spec: JsonObject = {
        "runtime": program(FAILS_ONCE),
        "env": [ATTEMPT],
        "retry": {"maxAttempts": 3, "onExitCodes": [75]},
    }
    sandbox.create(spec)
    between = sandbox.wait_for_reason("Retrying")
    assert "Attempt 1 ended as ProgramFailed: The program failed. Its exit code is 75." in str(
        member(between, "status", "message")
    )
    final = sandbox.wait_for_end()
    assert phase_and_reason(final) == ("Succeeded", "Succeeded")
    assert json.loads(str(member(final, "status", "result", "output"))) == {"attempt": 2}
    (first,) = objects_of(member(final, "status", "earlierAttempts"))
    assert (first["attempt"], first["exitCode"], first["reason"]) == (1, 75, "ProgramFailed")
    path, token = f"/namespaces/{sandbox.name}/executions/run/log", sandbox.token()
    logs = [gateway.request("GET", f"{path}{query}", token).text for query in ("?attempt=1", "")]
    assert logs == ["attempt 1\n", "attempt 2\n"]
    assert gateway.request("GET", f"{path}?attempt=3", token).status_code == 404
    sandbox.wait_for_no_children(final)


def test_a_program_that_ran_out_of_memory_gets_more(sandbox: Sandbox) -> None:
    spec: JsonObject = {
        "runtime": program("print(len(bytearray(90 * 1024**2)))"),
        "resources": {"limits": {"memory": "64Mi"}, "requests": {"memory": "32Mi"}},
        "retry": {"maxAttempts": 2, "onOutOfMemory": {"memoryFactor": 2.5, "maxMemory": "1Gi"}},
    }
    final = sandbox.run(spec)
    assert phase_and_reason(final) == ("Succeeded", "Succeeded")
    (first,) = objects_of(member(final, "status", "earlierAttempts"))
    assert (first["reason"], first["memoryLimit"]) == ("OutOfMemory", "64Mi")
    assert "It had reached its limit of 64Mi" in str(first["message"])


def test_a_preempted_program_runs_again_with_the_same_job(sandbox: Sandbox, cluster: Cluster) -> None:
    """Suspend and resume the Job as Kueue does."""
    spec: JsonObject = {
        "runtime": program(STEPS),
        "queueName": "team-a",
        "cancelGrace": 1,
        "retry": {"maxAttempts": 2, "onReasons": ["Preempted"]},
    }
    sandbox.create(spec)
    sandbox.wait_for_reason("Queued")
    job = name_of(sandbox.wait_for_job())
    cluster.patch(JOBS, sandbox.name, job, {"spec": {"suspend": False}})
    sandbox.wait_for_log("step")
    cluster.patch(JOBS, sandbox.name, job, {"spec": {"suspend": True}})
    waits = sandbox.wait_for_reason("Queued")
    assert member(waits, "status", "attempts") == 2
    assert member(waits, "status", "job", "name") == job
    cluster.patch(JOBS, sandbox.name, job, {"spec": {"suspend": False}})
    runs = sandbox.wait_for_running()
    (first,) = objects_of(member(runs, "status", "earlierAttempts"))
    assert first["reason"] == "Preempted"
    assert member(first, "log", "lines") == 1
    sandbox.cancel()
    assert phase_and_reason(sandbox.wait_for_end()) == ("Cancelled", "Cancelled")
