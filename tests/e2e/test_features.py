"""The rest of the spec: fields that shape the pod, queues, and who may read what."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import JOBS
from tests.support.cluster import SERVICE_ACCOUNTS, Cluster, member, name_of
from tests.support.gateway import Gateway
from tests.support.sandbox import Sandbox, phase_and_reason, program


def test_queued_job_runs_when_it_is_admitted(sandbox: Sandbox, cluster: Cluster) -> None:
    sandbox.create({"runtime": program("print('admitted')"), "queueName": "team-a", "startTimeout": "60s"})
    job = sandbox.wait_for_job()
    assert member(job, "spec", "suspend") is True
    assert member(job, "metadata", "labels", "kueue.x-k8s.io/queue-name") == "team-a"
    sandbox.wait_for_reason("Queued")
    cluster.patch(JOBS, sandbox.name, name_of(job), {"spec": {"suspend": False}})
    assert phase_and_reason(sandbox.wait_for_end()) == ("Succeeded", "Succeeded")


def test_pod_template_is_merged_last(sandbox: Sandbox) -> None:
    template: JsonObject = {
        "metadata": {"labels": {"team": "a"}, "annotations": {"note": "merged"}},
        "spec": {
            "hostname": "by-template",
            "containers": [{"name": "main", "env": [{"name": "EXTRA", "value": "there"}]}],
        },
    }
    source = """
import json, os, socket, time
json.dump({'extra': os.environ['EXTRA'], 'own': os.environ['OWN'], 'host': socket.gethostname()},
          open('/var/runtime/output/output.json', 'w'))
"""
    spec: JsonObject = {
        "runtime": program(source),
        "env": [{"name": "OWN", "value": "kept"}],
        "podTemplate": template,
    }
    final = sandbox.succeed(spec)
    found = json.loads(str(member(final, "status", "result", "output")))
    assert found == {"extra": "there", "own": "kept", "host": "by-template"}


def test_environment_working_directory_and_identity(sandbox: Sandbox) -> None:
    source = """
import json, os
names = ('PLAIN', 'NODE', 'FROM_MAP', 'LIMIT')
found = {name: os.environ.get(name) for name in names}
found |= {'directory': os.getcwd(), 'ids': [os.getuid(), os.getgid()]}
found['token'] = os.path.exists('/var/run/secrets/kubernetes.io/serviceaccount/token')
found['collector'] = os.path.exists('/var/run/secrets/serviceexecution.dev/token')
json.dump(found, open('/var/runtime/output/output.json', 'w'))
"""
    sandbox.config_map("settings", {"mode": "fast"})
    runtime = program(source)
    docker = cast("JsonObject", runtime["docker"])
    docker["workingDir"] = "/var/runtime"
    final = sandbox.succeed(
        {
            "runtime": runtime,
            "env": [
                {"name": "PLAIN", "value": "$(NOT_EXPANDED) ü"},
                {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                {"name": "FROM_MAP", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
                {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
            ],
            "resources": {"limits": {"memory": "96Mi"}, "requests": {"cpu": "20m"}},
            "securityContext": {"runAsUser": 12345, "runAsGroup": 23456},
        }
    )
    assert json.loads(str(member(final, "status", "result", "output"))) == {
        "PLAIN": "$(NOT_EXPANDED) ü",
        "NODE": member(final, "status", "pod", "node"),
        "FROM_MAP": "fast",
        "LIMIT": str(96 * 1024**2),
        "directory": "/var/runtime",
        "ids": [12345, 23456],
        "token": False,
        "collector": False,
    }


def test_image_that_must_run_as_root(new_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = new_sandbox(level="privileged")
    runtime: JsonObject = {"docker": {"image": "localhost/test-rooted:1"}}
    as_root: JsonObject = {"runAsUser": 0, "runAsNonRoot": False}
    final = sandbox.succeed({"runtime": runtime, "securityContext": as_root})
    assert member(final, "status", "result", "output") == '{"uid": 0}'
    refused = sandbox.run({"runtime": runtime}, name="not-as-root")
    assert phase_and_reason(refused) == ("Failed", "ProgramFailed")
    assert member(refused, "status", "exitCode") == 77


def test_ten_executions_of_one_name_in_ten_namespaces(
    new_sandbox: Callable[..., Sandbox], gateway: Gateway
) -> None:
    sandboxes = [new_sandbox() for _ in range(10)]
    for number, sandbox in enumerate(sandboxes):
        text = json.dumps({"number": number})
        source = f"print('number {number}'); open('/var/runtime/output/output.json', 'w').write('{text}')"
        sandbox.create({"runtime": program(source)})

    def check(numbered: tuple[int, Sandbox]) -> None:
        number, sandbox = numbered
        final = sandbox.wait_for_end(seconds=180)
        assert member(final, "status", "result", "output") == json.dumps({"number": number})
        assert gateway.log(sandbox.name, "run", sandbox.token()) == f"number {number}\n"

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(check, enumerate(sandboxes)))


def test_viewer_of_one_namespace_reads_nothing_of_another(
    new_sandbox: Callable[..., Sandbox], gateway: Gateway
) -> None:
    own, other = new_sandbox(), new_sandbox()
    source = "print('private'); open('/var/runtime/output/output.json', 'w').write('{}')"
    for sandbox in (own, other):
        sandbox.create({"runtime": program(source)})
    for sandbox in (own, other):
        sandbox.wait_for_end()
    token = own.token()
    assert gateway.log(own.name, "run", token) == "private\n"
    for place in ("files", "files/output.json", "log"):
        answer = gateway.request("GET", f"/namespaces/{other.name}/executions/run/{place}", token)
        assert answer.status_code == 403, place
        assert "private" not in answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        for invalid in ("", "nonsense"):
            answer = gateway.request("GET", f"/namespaces/{own.name}/executions/run/{place}", invalid)
            assert answer.status_code == 401, place


def test_collectors_token_reads_nothing(sandbox: Sandbox, gateway: Gateway, cluster: Cluster) -> None:
    sandbox.succeed({"runtime": program("print('x')")})
    request: JsonObject = {"spec": {"audiences": ["collector.serviceexecution.dev"]}}
    sandbox.token()
    answer = cluster.create_sub(SERVICE_ACCOUNTS, sandbox.name, "viewer", "token", request)
    token = str(member(answer, "status", "token"))
    place = f"/namespaces/{sandbox.name}/executions/run/log"
    assert gateway.request("GET", place, token).status_code == 401
