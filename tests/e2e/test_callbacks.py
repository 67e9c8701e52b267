"""Callbacks on the real cluster: a receiver that is away at first, then slow, then accepts."""

import base64
import hashlib
import hmac
import json
from typing import cast

from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import PODS, SERVICE_EXECUTIONS
from tests.support.cluster import SERVICES, member
from tests.support.sandbox import IMAGE, Sandbox, shell

KEY = "0123456789abcdef"
RECEIVER = """
import http.server, json, time
calls = 0
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global calls
        calls += 1
        body = self.rfile.read(int(self.headers['content-length'])).decode()
        print(json.dumps({'headers': {k.lower(): v for k, v in self.headers.items()}, 'body': body}), flush=True)
        if calls == 1:
            time.sleep(12)
        self.send_response(204)
        self.end_headers()
http.server.ThreadingHTTPServer(('', 8080), Handler).serve_forever()
"""


def _service(sandbox: Sandbox) -> None:
    port: JsonObject = {"port": 8080, "targetPort": 8080}
    spec: JsonObject = {"selector": {"app": "receiver"}, "ports": [port]}
    sandbox.cluster.create(SERVICES, sandbox.name, {"metadata": {"name": "receiver"}, "spec": spec})


def _receiver(sandbox: Sandbox) -> None:
    restricted: JsonObject = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    user: JsonObject = {
        "runAsUser": 65532,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container: JsonObject = {
        "name": "main",
        "image": IMAGE,
        "command": ["python3", "-c", RECEIVER],
        "securityContext": restricted,
    }
    pod: JsonObject = {
        "metadata": {"name": "receiver", "labels": {"app": "receiver"}},
        "spec": {"securityContext": user, "containers": [container]},
    }
    sandbox.cluster.create(PODS, sandbox.name, pod)


def _spec() -> JsonObject:
    return {"runtime": shell("true")}


def _callback(execution: JsonObject, name: str) -> object:
    return member(execution, "status", "callback", name)


def test_a_receiver_that_is_away_then_slow_then_takes_it(sandbox: Sandbox) -> None:
    sandbox.secret("serviceexecution-callbacks", default=KEY)
    _service(sandbox)
    url = f"http://receiver.{sandbox.name}.svc:8080/done"
    final = sandbox.run({**_spec(), "callback": {"url": url}})
    assert member(final, "status", "phase") == "Succeeded", "the run does not wait for its callback"
    sandbox.cluster.wait_for(
        SERVICE_EXECUTIONS,
        sandbox.name,
        "run",
        lambda found: bool(_callback(found, "attempts")),
        seconds=60,
        what="a first try that fails",
    )
    _receiver(sandbox)
    delivered = sandbox.cluster.wait_for(
        SERVICE_EXECUTIONS,
        sandbox.name,
        "run",
        lambda found: _callback(found, "state") == "Delivered",
        seconds=180,
        what="the callback's delivery",
    )
    assert cast("int", _callback(delivered, "attempts")) >= 3
    lines = sandbox.cluster.pod_log(sandbox.name, "receiver", "main").splitlines()
    calls = [json.loads(line) for line in lines if line.startswith("{")]
    assert len({call["headers"]["webhook-id"] for call in calls}) == 1
    for call in calls:
        headers = call["headers"]
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{call['body']}".encode()
        digest = hmac.new(KEY.encode(), content, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
        event = json.loads(call["body"])
        assert event["type"] == "dev.serviceexecution.execution.finished.v1"
        assert event["data"]["status"] == "SUCCEEDED"
        assert event["data"]["name"] == "run"


def test_a_place_that_is_not_allowed_is_not_called_and_the_run_succeeds(sandbox: Sandbox) -> None:
    sandbox.secret("serviceexecution-callbacks", default=KEY)
    final = sandbox.run({**_spec(), "callback": {"url": "http://169.254.169.254/latest"}})
    assert member(final, "status", "phase") == "Succeeded"
    failed = sandbox.cluster.wait_for(
        SERVICE_EXECUTIONS,
        sandbox.name,
        "run",
        lambda found: _callback(found, "state") == "Failed",
        seconds=60,
        what="the callback's refusal",
    )
    assert "callbacks.allowedUrls" in str(_callback(failed, "message"))
