"""The Service API while its cluster's API server is away, and for somebody who guesses: seen by one of the platform's
own clients, on an embedded cluster of its own, so that nobody else is disturbed. At last, there, the short form of
``make chaos``.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from cluster.node.namespaces import init_record
from cluster.settings import CHECKOUT, GATEWAY_NODE_PORT
from serviceexecution.gateway.access.callers import ACCESS_SECONDS
from tests.support.cluster import Cluster
from tests.support.embedded import NEEDS, EmbeddedCluster, processes_in
from tests.support.figures import FIGURE
from tests.support.polling import poll_until
from tests.support.sandbox import Sandbox, shell
from tests.support.sdk.environment import sdk_environment
from tests.support.sdk.process import RemoteError, SdkProcess
from tests.support.service_api import ServiceApi

pytestmark = [*NEEDS, pytest.mark.timeout(900)]

LOCK: Final = Path(__file__).parents[1] / "sdk" / "qhub-service" / "requirements.lock"
WAITS: Final = shell("sleep 25; printf '{\"done\": true}' > /var/runtime/output/output.json")


@pytest.fixture(scope="module")
def embedded(embedded_turn: None) -> Iterator[EmbeddedCluster]:
    cluster = EmbeddedCluster("outages")
    cluster.run("down")  # of an earlier test run that was killed
    cluster.run("up")
    yield cluster
    cluster.run("down")


@pytest.fixture
def service_api(embedded: EmbeddedCluster) -> ServiceApi:
    link = json.loads((embedded.instance.state / "link.json").read_text())
    cluster = Cluster(str(embedded.instance.kubeconfig))
    return ServiceApi(Sandbox(cluster), f"http://{link['node']}:{GATEWAY_NODE_PORT}")


@pytest.fixture
def sdk(tmp_path: Path) -> Iterator[SdkProcess]:
    with SdkProcess(sdk_environment(LOCK), tmp_path) as process:
        yield process


def connect(sdk: SdkProcess, service_api: ServiceApi, url: str, secret: str = "") -> Any:
    key = service_api.key
    make = sdk.module("qhub.service.client").HubServiceClient
    return make(url, key.id, secret or key.secret, token_endpoint=key.token_endpoint)


def test_nothing_is_lost_or_doubled_while_the_api_server_is_away(
    embedded: EmbeddedCluster, service_api: ServiceApi, sdk: SdkProcess
) -> None:
    service = service_api.define(WAITS)
    client = connect(sdk, service_api, service.url)
    running = client.run({})

    def has_started() -> bool:
        running.refresh()
        return bool(running.status == "RUNNING")

    poll_until(has_started, seconds=60, what="the first runs")
    place = f"{service.url}/{running.id}"
    headers = {"Authorization": f"Bearer {service_api.key.token()}", "Idempotency-Key": "once"}
    seen: Counter[tuple[str, int, str]] = Counter()

    def ask(what: str, method: str, url: str) -> httpx.Response:
        answer = httpx.request(method, url, headers=headers, timeout=60)
        body = answer.json()
        seen[what, answer.status_code, body["code"] if answer.is_error else body["status"]] += 1
        assert not answer.is_error or int(answer.headers["retry-after"]) > 0
        return answer

    init = init_record(embedded.instance)
    assert init is not None
    supervisor = init.pid

    def submit_until_taken() -> str:
        """Begins while the API server is away, and brings it back when the gateway has long wanted to ask it."""
        begun = time.monotonic()
        while True:
            ask("status", "GET", place)
            answer = ask("submit", "POST", service.url)
            if not answer.is_error:
                return str(answer.json()["id"])
            if time.monotonic() > begun + ACCESS_SECONDS + 2:
                os.kill(supervisor, signal.SIGCONT)
            assert time.monotonic() < begun + 90, seen
            time.sleep(0.2)

    ask("status", "GET", place)  # from now on the gateway knows this caller
    (server,) = [pid for pid, name in processes_in(embedded.process_namespace()) if name == "kube-apiserver"]
    os.kill(supervisor, signal.SIGSTOP)  # or it would start the API server again at once
    os.kill(server, signal.SIGKILL)
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(submit_until_taken)
        # It repeats by itself, as Retry-After says, but only twice unless it is told so.
        patient = {"max_retries": 30}
        by_sdk = client.api.start_execution(request={"data": 1}, request_options=patient)
        by_key = taken.result()
    bad = {key for key in seen if key[1] >= 400}
    assert bad == {("submit", 503, "KubernetesUnavailable")}, "who waits for a result goes on asking"
    assert ask("submit", "POST", service.url).status_code == 200, "the key finds what it made"
    running.wait_for_final_state(timeout=90, wait=0.5)
    assert (running.status, running.result().data()) == ("SUCCEEDED", {"done": True})
    assert sorted(service_api.executions()) == sorted([running.id, by_sdk.id, by_key])


def test_who_guesses_locks_nobody_out(service_api: ServiceApi, sdk: SdkProcess) -> None:
    service = service_api.define(shell("true"))
    good = connect(sdk, service_api, service.url)
    assert good.get_service_executions() == []
    for _ in range(40):
        with pytest.raises(RemoteError) as caught:
            connect(sdk, service_api, service.url, "guessed").get_service_executions()
        assert "invalid_client" in caught.value.message or "429" in caught.value.message
    assert good.get_service_executions() == [], "who is known is not held up"
    key = service_api.key
    answer = httpx.post(
        key.token_endpoint, auth=(key.id, key.secret), data={"grant_type": "client_credentials"}, timeout=30
    )
    assert answer.status_code == 200, "nor is the owner of the key, from the same address"
    assert connect(sdk, service_api, service.url).get_service_executions() == []


def test_two_minutes_of_chaos_break_nothing(
    embedded: EmbeddedCluster, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    output = tmp_path / "chaos.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", "--seconds", "120", "--output", str(output)],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "SX_CLUSTER_NAME": embedded.name,
            "PYTHONPATH": os.pathsep.join([str(CHECKOUT / "operator"), str(CHECKOUT)]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert output.exists(), done.stdout + done.stderr
    found = json.loads(output.read_text())
    record_property(FIGURE, f"chaos of {found['seconds']} s: failed {found['failed']}, ends {found['ends']}")
    assert not any(found["neverBe"].values()), done.stdout
    assert done.returncode == 0, done.stdout
