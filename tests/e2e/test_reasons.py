"""Ends in the words of a kubelet, the scheduler or the API server: each says what happened and whose turn it is."""

import json
import re
from collections.abc import Iterator
from typing import Final

import pytest

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import JOBS, PODS, SERVICE_EXECUTIONS
from tests.support.cluster import LIMIT_RANGES, NODES, VALIDATING_WEBHOOKS, member, name_of
from tests.support.sandbox import IMAGE, Sandbox, phase_and_reason, program, shell

DONE: Final = program("print('done')")
STEPS: Final = program("import time\nwhile True:\n    print('step', flush=True)\n    time.sleep(0.2)")
INIT: Final[JsonObject] = {
    "name": "fetch",
    "image": IMAGE,
    "command": ["sh", "-c", "echo no such dataset >&2; exit 7"],
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
LINK: Final = "echo '{}' > /tmp/result; ln -s /tmp/result /var/runtime/output/output.json"
WITH_MARK: Final = """
import getpass
with open('/var/runtime/output/output.json', 'w', encoding='utf-8-sig') as file:
    file.write('{"user": "%s"}' % getpass.getuser())
"""
NOTHING_RAN: Final = "Nothing has run."


def test_each_end_has_its_own_reason(sandbox: Sandbox) -> None:
    node = name_of(sandbox.cluster.select(NODES, None)[0])
    specs: dict[str, JsonObject] = {
        "init": {"runtime": DONE, "podTemplate": {"spec": {"initContainers": [INIT]}}},
        "full-node": {
            "runtime": DONE,
            "resources": {"requests": {"cpu": "500"}},
            "podTemplate": {"spec": {"nodeName": node}},
        },
        "link": {"runtime": shell(LINK)},
        "mark": {"runtime": program(WITH_MARK), "timeout": 60},
        "broken": {"runtime": program("print('PlanQK:Job:Result: {\"x\": NaN}')")},
    }
    for name, spec in specs.items():
        sandbox.create(spec, name=name)
    refused = sandbox.wait_for_reason("Retrying", "full-node")
    assert re.search(f"Attempt 1 ended as NodeRefused: .* OutOfcpu: .* {NOTHING_RAN}", _message(refused))
    for name, reason, words in (
        ("init", "InitContainerFailed", 'init container "fetch" ended with exit code 7: no such dataset'),
        ("link", "ResultNotKept", "output.json: symbolic links are not followed"),
        ("mark", "Succeeded", "^The program ended with exit code 0.$"),
        ("broken", "Succeeded", "What follows PlanQK:Job:Result: is not a valid JSON object"),
    ):
        final = sandbox.wait_for_end(name)
        assert (member(final, "status", "reason"), name) == (reason, name), final.get("status")
        assert re.search(words, str(member(final, "status", "message")))
    result = json.loads(str(member(sandbox.get("mark"), "status", "result", "output")))
    assert result == {"user": "serviceexecution"}


def _message(execution: JsonObject) -> str:
    return str(member(execution, "status", "message"))


def test_a_pod_that_is_deleted_while_it_waits_has_not_lost_a_program(sandbox: Sandbox) -> None:
    sandbox.create({"runtime": DONE, "nodeSelector": {"no": "such"}})
    sandbox.wait_for_reason("Unschedulable")
    pod = sandbox.wait_for_pod(running=False)
    sandbox.cluster.delete(PODS, sandbox.name, name_of(pod))
    between = sandbox.wait_for_reason("Retrying", seconds=15)
    assert "Attempt 1 ended as NotStarted" in _message(between)
    assert NOTHING_RAN in _message(between)
    again = sandbox.wait_for_reason("Unschedulable")
    assert member(again, "status", "attempts") == 2


def test_a_queue_that_takes_a_place_back(sandbox: Sandbox) -> None:
    """Suspend the Job as Kueue does: before the program started it waits again, afterwards it has ended."""

    def suspend(value: bool) -> None:
        job = sandbox.wait_for_job()
        sandbox.cluster.patch(JOBS, sandbox.name, name_of(job), {"spec": {"suspend": value}})

    spec: JsonObject = {"runtime": STEPS, "queueName": "team-a", "nodeSelector": {"no": "such"}}
    sandbox.create(spec)
    sandbox.wait_for_reason("Queued")
    suspend(False)
    sandbox.wait_for_reason("Unschedulable")
    suspend(True)
    sandbox.wait_for_reason("Queued")
    sandbox.delete()
    sandbox.cluster.wait_until_gone(JOBS, sandbox.name, seconds=60)
    sandbox.create({"runtime": STEPS, "queueName": "team-a", "cancelGrace": 1})
    sandbox.wait_for_reason("Queued")
    suspend(False)
    sandbox.wait_for_log("step")
    suspend(True)
    final = sandbox.wait_for_end()
    assert phase_and_reason(final) == ("Failed", "Preempted")
    assert int(str(member(final, "status", "log", "lines"))) > 0


def test_a_finalizer_of_somebody_else_keeps_log_and_output_and_no_program(sandbox: Sandbox) -> None:
    sandbox.create({"runtime": STEPS, "cancelGrace": 1})
    sandbox.wait_for_log("step")
    hold: JsonObject = {"metadata": {"finalizers": ["example.com/hold"]}}
    sandbox.cluster.patch(SERVICE_EXECUTIONS, sandbox.name, "run", hold)
    sandbox.delete()
    final = sandbox.wait_for_end(seconds=45)
    assert phase_and_reason(final) == ("Cancelled", "Cancelled")
    assert int(str(member(final, "status", "log", "lines"))) > 0
    sandbox.wait_for_no_children(final)
    sandbox.cluster.patch(SERVICE_EXECUTIONS, sandbox.name, "run", {"metadata": {"finalizers": None}})


def test_a_limit_range_against_the_collector_names_the_chart_s_value(sandbox: Sandbox) -> None:
    limit: JsonObject = {"type": "Container", "min": {"cpu": "50m"}, "maxLimitRequestRatio": {"cpu": "10"}}
    sandbox.cluster.create(
        LIMIT_RANGES, sandbox.name, {"metadata": {"name": "l"}, "spec": {"limits": [limit]}}
    )
    resources: JsonObject = {"requests": {"cpu": "100m"}, "limits": {"cpu": "100m"}}
    sandbox.create({"runtime": DONE, "resources": resources})
    found = sandbox.wait_for_reason("PodRefused", seconds=20)
    message = str(member(found, "status", "message"))
    assert 'The container "collector": its request of cpu is 10m' in message
    assert "the value collector.resources of the operator's chart changes it" in message
    assert 'container "main"' not in message


@pytest.fixture
def dead_webhook(sandbox: Sandbox) -> Iterator[None]:
    """A webhook of Jobs in the sandbox's namespace that nothing answers for."""
    label = "kubernetes.io/metadata.name"
    hook: JsonObject = {
        "name": "dead.example.com",
        "failurePolicy": "Fail",
        "timeoutSeconds": 1,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchLabels": {label: sandbox.name}},
        "clientConfig": {"url": "https://127.0.0.1:9/"},
        "rules": [
            {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"]}
        ],
    }
    sandbox.cluster.create(
        VALIDATING_WEBHOOKS, None, {"metadata": {"name": sandbox.name}, "webhooks": [hook]}
    )
    yield
    sandbox.cluster.delete(VALIDATING_WEBHOOKS, None, sandbox.name)


@pytest.mark.usefixtures("dead_webhook")
def test_a_dead_admission_webhook_is_said_within_seconds_and_waited_for(sandbox: Sandbox) -> None:
    sandbox.create({"runtime": DONE, "startTimeout": 60})
    found = sandbox.wait_for_reason("WebhookFailed", seconds=15)
    assert 'failed calling webhook "dead.example.com"' in str(member(found, "status", "message"))
    sandbox.cluster.delete(VALIDATING_WEBHOOKS, None, sandbox.name)
    assert phase_and_reason(sandbox.wait_for_end()) == ("Succeeded", "Succeeded")
