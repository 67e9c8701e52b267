"""The large shape: results in an object store, controllers and gateways apart and two of each."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx
import pytest

from serviceexecution.kube.kinds import PODS, SERVICE_EXECUTIONS
from serviceexecution.resources.names import API_GROUP
from tests.support.accounts import bind
from tests.support.cluster import member, name_of, uid_of
from tests.support.gateway import Gateway
from tests.support.large_shape import large_shape
from tests.support.operator import Operator
from tests.support.polling import poll_until
from tests.support.sandbox import Sandbox, shell
from tests.support.service_api import ServiceApi

pytestmark = pytest.mark.alone

MEBIBYTES: Final = 40
"""More than the store writes in one part."""
COMPONENT: Final = "app.kubernetes.io/component"


@pytest.fixture
def large(sandbox: Sandbox, operator: Operator, helm: Callable[..., str]) -> Iterator[None]:
    """Bring the release into the large shape, with an S3 server of the test's own; back afterwards."""
    with large_shape(sandbox, operator, helm):
        yield


@pytest.fixture
def url(sandbox: Sandbox, gateway: Gateway, large: None) -> str:
    """Return the URL of a service whose executions wait for ever."""
    service = ServiceApi(sandbox, gateway.address).define(shell("true"), "waiting", queueName="nobody-admits")
    token = sandbox.token()
    bind(sandbox.cluster, sandbox.name, "viewer", "edit")

    def both_answer() -> bool:
        """The node's rules follow the new pods by a moment; every request has a connection of its own."""
        try:
            answers = [httpx.get(service.url, headers=authorization, timeout=30) for _ in range(20)]
        except httpx.TransportError:
            return False
        return {answer.status_code for answer in answers} == {200}

    authorization = {"Authorization": f"Bearer {token}"}
    poll_until(both_answer, seconds=60, what="both gateways answer")
    return service.url


@pytest.mark.usefixtures("large")
def test_results_in_an_object_store(sandbox: Sandbox, gateway: Gateway) -> None:
    script = (
        f"cd /var/runtime/output && head -c {MEBIBYTES}M /dev/urandom > large.bin && mkdir -p a/b\n"
        "printf '{\"done\": true}' > output.json; echo nested > 'a/b/with space.txt'; : > empty.txt\n"
        "sha256sum large.bin; echo last line"
    )
    final = sandbox.succeed({"runtime": shell(script)})
    sandbox.cluster.wait_until_gone(PODS, sandbox.name, labels=f"{API_GROUP}/execution-uid", seconds=60)
    token = sandbox.token()
    assert member(final, "status", "result", "output") == '{"done": true}'
    files = {str(file["path"]): file for file in gateway.files(sandbox.name, "run", token)}
    assert set(files) == {"a/b/with space.txt", "empty.txt", "large.bin", "output.json"}
    digest, last, _ = gateway.log(sandbox.name, "run", token).split("\n")
    assert last == "last line"

    fetched = gateway.file(sandbox.name, "run", "large.bin", token)
    assert len(fetched.content) == MEBIBYTES * 1024 * 1024
    assert hashlib.sha256(fetched.content).hexdigest() == digest.split()[0] == files["large.bin"]["sha256"]
    part = gateway.file(sandbox.name, "run", "large.bin", token, {"Range": "bytes=20971500-20971539"})
    assert (part.status_code, part.content) == (206, fetched.content[20971500:20971540])
    assert gateway.file(sandbox.name, "run", "a/b/with space.txt", token).text == "nested\n"
    assert gateway.file(sandbox.name, "run", "empty.txt", token).content == b""


def test_one_key_at_two_gateways(sandbox: Sandbox, url: str) -> None:
    """Every request has a connection of its own, so that it reaches either."""
    authorization = {"Authorization": f"Bearer {sandbox.token()}"}

    def submit(key: int) -> tuple[int, str, int]:
        headers = {**authorization, "Idempotency-Key": f"key-{key}"}
        body = {"data": [key], "$secrets": {"apiToken": "s3cret"}}
        answer = httpx.post(url, headers=headers, json=body, timeout=30)
        assert answer.status_code in {200, 201}, answer.text
        found = str(answer.json()["id"])
        asked = httpx.get(f"{url}/{found}", headers=authorization, timeout=30)
        assert (asked.status_code, asked.json()["id"]) == (200, found), asked.text
        return key, found, answer.status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(submit, [number // 4 for number in range(120)]))
    other = httpx.post(
        url, headers={**authorization, "Idempotency-Key": "key-0"}, json={"data": [-1]}, timeout=30
    )
    assert other.status_code == 409, other.text
    assert len({(key, found) for key, found, _ in answers}) == len({found for _, found, _ in answers}) == 30
    assert Counter(status for *_, status in answers) == {201: 30, 200: 90}
    assert len(sandbox.cluster.select(SERVICE_EXECUTIONS, sandbox.name)) == 30


def test_gateways_leave_one_after_the_other(sandbox: Sandbox, operator: Operator, url: str) -> None:
    """As in an update, or when a node is drained: nobody who polls sees an error."""
    authorization = {"Authorization": f"Bearer {sandbox.token()}"}
    created = httpx.post(url, headers=authorization, timeout=30)
    assert created.status_code == 201, created.text
    place = f"{url}/{created.json()['id']}"
    answers: list[int | str] = []
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            try:
                answers.append(httpx.get(place, headers=authorization, timeout=30).status_code)
            except httpx.TransportError as error:
                answers.append(repr(error))
            done.wait(0.02)

    gateways = [pod for pod in operator.pods() if member(pod, "metadata", "labels", COMPONENT) == "gateway"]
    assert len(gateways) == 2
    with ThreadPoolExecutor(4) as pool:
        polling = [pool.submit(poll) for _ in range(4)]
        try:
            for pod in gateways:
                operator.cluster.delete(PODS, operator.namespace, name_of(pod))
                operator.wait_until_ready(not_uids=frozenset({uid_of(pod)}))
        finally:
            done.set()
        for one in polling:
            one.result()
    assert len(answers) > 100
    assert set(answers) == {200}, Counter(answers)
