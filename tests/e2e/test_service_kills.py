"""The gateway killed in the middle of a submit and of a download: nothing is lost, nothing is doubled."""

import hashlib
import threading
from pathlib import Path
from typing import cast

import httpx
import pytest

from serviceexecution.cli.service_client import ServiceClient, TokenCredentials
from serviceexecution.contract.json_types import JsonObject
from serviceexecution.kube.kinds import CONFIG_MAPS, SECRETS, SERVICE_DEFINITIONS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import API_GROUP, API_VERSION, DEFINITION_KIND, LABEL_SUBMISSION
from tests.support.accounts import bind
from tests.support.gateway import Gateway
from tests.support.operator import Operator
from tests.support.sandbox import Sandbox, shell

pytestmark = pytest.mark.alone
MEBIBYTES = 200


def _define(sandbox: Sandbox, script: str, **spec: object) -> None:
    definition: JsonObject = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": DEFINITION_KIND,
        "metadata": {"name": "killed"},
        "spec": cast("JsonObject", {"runtime": shell(script), **spec}),
    }
    sandbox.cluster.create(SERVICE_DEFINITIONS, sandbox.name, definition)
    sandbox.token()
    bind(sandbox.cluster, sandbox.name, "viewer", "edit")


@pytest.fixture
def url(sandbox: Sandbox, gateway: Gateway) -> str:
    """Return the URL of the service under test."""
    return f"{gateway.address}/services/{sandbox.name}/killed"


def test_killed_while_submitting_with_keys(sandbox: Sandbox, operator: Operator, url: str) -> None:
    _define(sandbox, "true", queueName="nobody-admits")
    headers = {"Authorization": f"Bearer {sandbox.token()}"}
    body = {"data": [1], "$secrets": {"apiToken": "s3cret"}}
    wanted, made, problems = 60, set[str](), list[str]()
    done = threading.Event()

    def submit() -> None:
        with httpx.Client(timeout=10, headers=headers) as http:
            for number in range(wanted):
                for _ in range(200):  # the client repeats until it is answered
                    try:
                        answer = http.post(url, json=body, headers={"Idempotency-Key": f"key-{number}"})
                    except httpx.TransportError:
                        done.wait(0.2)
                        continue
                    if answer.status_code in {200, 201}:
                        made.add(answer.json()["id"])
                        break
                    if answer.status_code != 503:
                        problems.append(answer.text)
                        break
                    done.wait(0.2)

    thread = threading.Thread(target=submit)
    thread.start()
    while thread.is_alive() and len(made) < 10:
        thread.join(0.05)
    killed = operator.kill("gateway")
    operator.wait_until_ready(not_uids=killed)
    thread.join(120)
    assert not thread.is_alive()
    assert problems == []
    found = sandbox.cluster.select(SERVICE_EXECUTIONS, sandbox.name)
    assert len(made) == len(found) == wanted
    for kind in (CONFIG_MAPS, SECRETS):
        left = sandbox.cluster.select(kind, sandbox.name, labels=LABEL_SUBMISSION)
        assert {str(cast("JsonObject", item["metadata"])["name"]) for item in left} == made


def test_a_download_is_taken_up_after_the_gateway_was_killed(
    sandbox: Sandbox, operator: Operator, url: str, tmp_path: Path
) -> None:
    _define(sandbox, f"head -c {MEBIBYTES}M /dev/urandom > /var/runtime/output/data.bin")
    token = sandbox.token()
    created = httpx.post(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert created.status_code == 201, created.text
    name = created.json()["id"]
    final = sandbox.wait_for_end(name, seconds=180)
    files = cast("JsonObject", cast("JsonObject", final["status"])["result"])["files"]
    digest = cast("list[JsonObject]", files)[0]["sha256"]

    def kill() -> None:
        operator.kill("gateway")

    killer = threading.Thread(target=kill)
    with ServiceClient(url, TokenCredentials(token), pause=0.3) as client:
        killer.start()
        fetched = dict(client.download_all(name, tmp_path))
    killer.join()
    operator.wait_until_ready()
    assert fetched == {"data.bin": MEBIBYTES * 1024 * 1024}
    assert hashlib.sha256((tmp_path / "data.bin").read_bytes()).hexdigest() == digest
